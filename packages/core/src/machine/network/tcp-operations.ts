import { type TcpState, tcpState } from "../../abi/index.js";
import type { Segment } from "./tcp/segment.js";
import type { TcpSocket } from "./tcp-socket.js";

/** BPF_SOCK_OPS_*, those that happen here. */
const operation = {
  timeoutInit: 1,
  receiveWindowInit: 2,
  connect: 3,
  activeEstablished: 4,
  passiveEstablished: 5,
  needsEcn: 6,
  timedOut: 8,
  retransmitted: 9,
  state: 10,
  listen: 11,
  roundTrip: 12,
  parseHeader: 13,
  headerLength: 14,
  writeHeader: 15,
} as const;

/** BPF_SOCK_OPS_*_CB_FLAG */
const flag = {
  timedOut: 1,
  retransmitted: 2,
  state: 4,
  roundTrip: 8,
  parseAll: 16,
  parseUnknown: 32,
  writeHeader: 64,
} as const;

/** Options that the stack knows itself, or skips: end, no-operation, MSS, window scale, SACK, timestamps. */
const KNOWN_OPTIONS: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 8]);
const OPTION_NOP = 1;
const NS_PER_US = 1000;
/** Nanoseconds of a jiffy, by which programs count timeouts (CONFIG_HZ is 250). */
const JIFFY = 4_000_000;
const noBytes = new Uint8Array(0);

/** Tells sock_ops programs what a connection does, and asks them what it should. */
export class TcpOperations {
  readonly #socket: TcpSocket;

  constructor(socket: TcpSocket) {
    this.#socket = socket;
  }

  /** A SYN is about to go out. */
  connecting(): void {
    if (!this.#isHeard) return;
    this.#run(operation.connect);
    this.#start(false);
  }

  /** The answer to a SYN is about to go out: what there is of the connection is a request, no whole socket. */
  answering(): void {
    if (this.#isHeard) this.#start(true);
  }

  listening(): void {
    this.#run(operation.listen);
  }

  /** The handshake is done: `segment` did it. */
  established(active: boolean, segment: Segment | undefined): void {
    this.#run(active ? operation.activeEstablished : operation.passiveEstablished, [], segment);
  }

  stateChanged(before: TcpState, after: TcpState): void {
    if (this.#wants(flag.state)) this.#run(operation.state, [before, after]);
  }

  timedOut(): void {
    if (!this.#wants(flag.timedOut)) return;
    const { connection } = this.#socket;
    this.#run(operation.timedOut, [connection.timeouts, Math.round(connection.rtt.timeout / JIFFY), 0]);
  }

  retransmitted(sequence: number, segments: number): void {
    if (this.#wants(flag.retransmitted)) this.#run(operation.retransmitted, [sequence, segments, 0]);
  }

  measured(nanoseconds: number): void {
    if (!this.#wants(flag.roundTrip)) return;
    const { rtt } = this.#socket.connection;
    this.#run(operation.roundTrip, [Math.max(1, Math.floor(nanoseconds / NS_PER_US)), rtt.scaled]);
  }

  /** A segment has come for a connection that is established. */
  arrived(segment: Segment): void {
    const { state } = this.#socket;
    if (state === tcpState.synSent || state === tcpState.synReceived) return;
    const isUnknown = () => segment.options.length > 0 && hasUnknown(segment.options);
    if (this.#wants(flag.parseAll) || (this.#wants(flag.parseUnknown) && isUnknown()))
      this.#run(operation.parseHeader, [], segment);
  }

  /** Options that programs want in a segment's header, beside `present`, in whole words; `room` is what fits. */
  headerOptions(header: Uint8Array, room: number): Uint8Array {
    if (!this.#wants(flag.writeHeader) || room <= 0) return noBytes;
    const { hooks } = this.#socket.namespace.network;
    const { context } = hooks.operation(this.#socket, { op: operation.headerLength, reserved: room, header });
    const wanted = Math.min(room, Math.ceil((room - context.reserved) / 4) * 4);
    if (wanted === 0) return noBytes;
    const written = hooks.operation(this.#socket, { op: operation.writeHeader, reserved: wanted, header }).context;
    const options = new Uint8Array(wanted).fill(OPTION_NOP);
    options.set(written.written.slice(0, wanted));
    return options;
  }

  get #isHeard(): boolean {
    return this.#socket.namespace.network.hooks.hasOperations(this.#socket);
  }

  #wants(bit: number): boolean {
    return (this.#socket.callbackFlags & bit) !== 0;
  }

  #start(isRequest: boolean): void {
    // The window that is announced is the buffer's, whatever they answer, and congestion is never notified.
    this.#run(operation.receiveWindowInit, [], undefined, isRequest);
    const reply = this.#run(operation.timeoutInit, [], undefined, isRequest);
    if (reply > 0) this.#socket.connection.rtt.initial = reply * JIFFY;
    this.#run(operation.needsEcn, [], undefined, isRequest);
  }

  #run(op: number, args: readonly number[] = [], segment?: Segment, isRequest = false): number {
    const { hooks } = this.#socket.namespace.network;
    const extra =
      segment === undefined
        ? {}
        : { header: segment.header, length: segment.header.length + segment.data.length, flags: segment.flags };
    return hooks.operation(this.#socket, { op, args, isRequest, ...extra }).reply;
  }
}

function hasUnknown(options: Uint8Array): boolean {
  for (let at = 0; at < options.length; ) {
    const kind = options[at]!;
    if (!KNOWN_OPTIONS.has(kind)) return true;
    if (kind === 0) return false;
    at += kind === OPTION_NOP ? 1 : Math.max(1, options[at + 1] ?? 1);
  }
  return false;
}
