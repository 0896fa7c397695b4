import { EACCES } from "../../abi/index.js";
import { concatenate } from "../../packet/index.js";
import { SKB_MAX_LENGTH, SkbContext, SkMsgContext } from "../../runtime/index.js";
import type { MachineProgram } from "../machine-program.js";
import type { ProgramRun } from "./program-run.js";
import type { TcpSocket } from "./tcp-socket.js";

const SK_PASS = 1;
const BPF_F_INGRESS = 1;
const noBytes = new Uint8Array(0);

/** What is left of the last verdict of a socket's sk_msg program, and what waits for the next. */
export class MessageState {
  /** Bytes that wait until there are as many as the program wanted. */
  corked: Uint8Array = noBytes;
  corkBytes = 0;
  /** Bytes that the last verdict is for as well. */
  applyBytes = 0;
  verdict: MessageVerdict | undefined;
  /** The program has once said to drop: so it stays, as in the kernel, while the socket is in its maps. */
  drops = false;
  /** What the next message is to have, once that is known. */
  expected = 0;
  /** What the stream's parser has not made a message of yet. */
  unparsed: Uint8Array = noBytes;
}

/** What becomes of a message: the socket that it goes to, its own or another one. */
interface MessageVerdict {
  readonly pass: boolean;
  readonly target: TcpSocket | undefined;
  readonly ingress: boolean;
}

/** Runs the programs of maps of sockets on what those sockets send and receive. */
export class SocketStreams {
  readonly #programs: ProgramRun;
  #msg: SkMsgContext | undefined;
  #skb: SkbContext | undefined;

  constructor(programs: ProgramRun) {
    this.#programs = programs;
  }

  /** A socket sends: its sk_msg program says where to. Returns 0, or the errno that the call gets. */
  send(socket: TcpSocket, data: Uint8Array): number {
    const { message: state } = socket;
    if (state.drops) return EACCES;
    let waiting = state.corked.length === 0 ? data : concatenate(state.corked, data);
    state.corked = noBytes;
    if (waiting.length < state.corkBytes) {
      state.corked = waiting;
      return 0;
    }
    state.corkBytes = 0;
    while (waiting.length > 0) {
      if (state.applyBytes === 0 || state.verdict === undefined) {
        const asked = this.#ask(socket, waiting);
        if (asked.corkBytes > asked.data.length) {
          state.corked = asked.data;
          state.corkBytes = asked.corkBytes;
          return 0;
        }
        waiting = asked.data;
        state.verdict = asked.verdict;
        state.applyBytes = asked.applyBytes === 0 ? waiting.length : asked.applyBytes;
        if (waiting.length === 0) return 0;
      }
      const part = waiting.subarray(0, state.applyBytes);
      waiting = waiting.subarray(part.length);
      state.applyBytes -= part.length;
      const { pass, target, ingress } = state.verdict;
      if (!pass) {
        state.drops = true;
        return EACCES;
      }
      deliver(target ?? socket, part.slice(), target !== undefined && ingress);
    }
    return 0;
  }

  /** A socket has received bytes, in their order: its sk_skb programs cut them into messages and say where they go. */
  receive(socket: TcpSocket, data: Uint8Array): void {
    const programs = socket.mapPrograms ?? {};
    const verdict = programs.sk_skb_stream_verdict ?? programs.sk_skb_verdict;
    const parser = programs.sk_skb_stream_parser;
    if (verdict === undefined) {
      socket.take(data);
      return;
    }
    if (parser === undefined) {
      this.#judge(socket, data);
      return;
    }
    const { message: state } = socket;
    let rest = concatenate(state.unparsed, data);
    while (rest.length > 0 && rest.length >= state.expected) {
      const length = state.expected || this.#parse(socket, parser, rest);
      if (length < 0 || length > SKB_MAX_LENGTH) {
        // No message can be made of it any more: the stream is broken.
        rest = noBytes;
        socket.connection.abort();
        break;
      }
      state.expected = length;
      if (length === 0 || length > rest.length) break;
      state.expected = 0;
      this.#judge(socket, rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    state.unparsed = rest.slice();
  }

  close(): void {
    this.#msg?.close();
    this.#skb?.close();
  }

  /** How long the first message is, by the parser: 0 where it can't tell yet, negative where there is none. */
  #parse(socket: TcpSocket, parser: MachineProgram, data: Uint8Array): number {
    return this.#programs.runIn(parser, this.#load(socket, data.subarray(0, SKB_MAX_LENGTH)), socket.namespace) | 0;
  }

  #ask(socket: TcpSocket, data: Uint8Array) {
    const program = socket.mapPrograms?.sk_msg_verdict;
    const { runtime, sockets } = this.#programs.environment;
    this.#msg ??= new SkMsgContext(runtime, sockets);
    const msg = this.#msg;
    msg.load(socket, data);
    const pass = program === undefined || this.#programs.runIn(program, msg, socket.namespace) === SK_PASS;
    const { redirect, applyBytes, corkBytes } = msg;
    const verdict: MessageVerdict = {
      pass,
      target: redirect?.socket as TcpSocket | undefined,
      ingress: ((redirect?.flags ?? 0) & BPF_F_INGRESS) !== 0,
    };
    return { data: msg.bytes(), verdict, applyBytes, corkBytes };
  }

  #judge(socket: TcpSocket, data: Uint8Array): void {
    const programs = socket.mapPrograms ?? {};
    const program = programs.sk_skb_stream_verdict ?? programs.sk_skb_verdict;
    if (program === undefined) return;
    const skb = this.#load(socket, data);
    const pass = this.#programs.runIn(program, skb, socket.namespace) === SK_PASS;
    if (!pass) return;
    const { skRedirect } = skb;
    const bytes = skb.bytes();
    if (skRedirect === undefined) socket.take(bytes);
    else deliver(skRedirect.socket as TcpSocket, bytes, (skRedirect.flags & BPF_F_INGRESS) !== 0);
  }

  #load(socket: TcpSocket, data: Uint8Array): SkbContext {
    const { runtime, sockets } = this.#programs.environment;
    this.#skb ??= new SkbContext(runtime);
    this.#skb.loadData(data, socket.family.etherType);
    this.#skb.attachSocket(socket, sockets.view(socket));
    return this.#skb;
  }
}

/** The bytes come out of another socket: as received there, or sent from there. */
function deliver(target: TcpSocket, data: Uint8Array, ingress: boolean): void {
  if (data.length === 0) return;
  if (ingress) target.take(data);
  else target.transmit(data);
}
