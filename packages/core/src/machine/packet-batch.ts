import { EBADF } from "../abi/index.js";
import type { MapCore } from "../maps/index.js";
import { type Environment, PacketRing, RUN_EXIT, type RunStatus } from "../runtime/index.js";
import type { EventHub } from "./event-hub.js";
import { failure } from "./failure.js";
import { type RunError, runError } from "./fault-error.js";
import type { MachineProgram } from "./machine-program.js";
import type { PacketHook } from "./packet-hook.js";
import type { PacketOutcome, PacketRunner } from "./packet-runner.js";
import { COMMAND } from "./test-run.js";

const clock = (globalThis as unknown as { performance: { now(): number } }).performance;

/** Packets that wait at most. Their frames and a map or two fit a CPU's second cache. */
const CAPACITY = 64;

/** What a batch says of a packet once it has been run; it is about the packet that is being visited. */
export interface BatchedPacket {
  readonly outcome: PacketOutcome;
  /** The program's verdict: r0 as a u32. */
  readonly retval: number;
  readonly error: RunError | undefined;
  /** Length of the packet as the program left it. */
  readonly packetLength: number;
  packet(): Uint8Array;
}

/**
 * Runs many packets through one program, as a {@link PacketRunner} does and with the same results, but tells of them in
 * batches: packets wait until there are enough of them, and then run one after the other within WebAssembly. Programs whose
 * helpers have to know the run they are called in, programs that aren't translated, and programs whose events somebody
 * reads run one at a time.
 *
 *     const batch = machine.createPacketBatch(program, (packet) => counts[packet.retval]++);
 *     for (const { bytes, offset, length } of packets) batch.add(bytes, offset, length);
 *     batch.flush();
 *
 * Packets are visited in the order in which they came.
 */
export class PacketBatch implements BatchedPacket {
  readonly program: MachineProgram;
  /** Whether packets wait for each other. */
  readonly waits: boolean;
  outcome: PacketOutcome = "verdict";
  retval = 0;
  error: RunError | undefined;
  /** Nanoseconds spent in programs so far. */
  nanoseconds = 0;
  readonly #runner: PacketRunner;
  readonly #visit: (packet: BatchedPacket) => void;
  readonly #environment: Environment;
  readonly #maps: MapCore;
  readonly #events: EventHub;
  readonly #hooks: PacketHook[] = [];
  readonly #ring: PacketRing | undefined;
  readonly #failures = new Map<number, { readonly outcome: PacketOutcome; readonly error: RunError }>();
  #waiting = 0;
  /** Index of the packet that is visited, or -1 where it is the runner's. */
  #current = -1;
  #closed = false;

  /** @internal */
  constructor(
    runner: PacketRunner,
    visit: (packet: BatchedPacket) => void,
    parts: { environment: Environment; maps: MapCore; events: EventHub; createHook: () => PacketHook },
  ) {
    const { environment, maps, events } = parts;
    this.program = runner.program;
    this.#runner = runner;
    this.#visit = visit;
    this.#environment = environment;
    this.#maps = maps;
    this.#events = events;
    this.waits = this.program.image.batch !== undefined;
    if (!this.waits) return;
    for (let slot = 0; slot < CAPACITY; slot++) this.#hooks.push(parts.createHook());
    this.#ring = new PacketRing(environment.runtime.memory, {
      capacity: CAPACITY,
      contextSize: this.#hooks[0]!.context.size,
      runNumber: maps.runAddress,
    });
  }

  /** Takes a packet's bytes; they may be changed afterwards. @throws SyscallError EBADF when the program was closed. */
  add(bytes: Uint8Array, from = 0, length: number = bytes.length - from): void {
    this.program.assertOpen(COMMAND);
    if (this.#closed) throw failure(COMMAND, EBADF, "the batch is closed");
    if (this.#ring === undefined || this.program.isCounted || this.#events.hasReaders) {
      this.flush();
      this.#runAlone(bytes, from, length);
      return;
    }
    const hook = this.#hooks[this.#waiting]!;
    const time = this.#environment.clock.monotonic();
    if (time === 0 || hook.load(bytes, from, length) !== undefined) {
      this.flush();
      this.#runAlone(bytes, from, length);
      return;
    }
    this.#ring.set(this.#waiting++, hook.context, time);
    if (this.#waiting === CAPACITY) this.flush();
  }

  /** Runs what waits. */
  flush(): void {
    const count = this.#waiting;
    if (count === 0) return;
    this.#waiting = 0;
    const { runtime } = this.#environment;
    const start = clock.now();
    this.#maps.enterRun();
    runtime.executeBatch(this.program.image, this.#ring!, count, (index, status) => this.#note(index, status));
    this.#maps.leaveRun();
    this.nanoseconds += (clock.now() - start) * 1e6;
    for (this.#current = 0; this.#current < count; this.#current++) {
      const failure = this.#failures.get(this.#current);
      this.outcome = failure?.outcome ?? "verdict";
      this.error = failure?.error;
      if (failure === undefined) this.retval = this.#ring!.r0(this.#current);
      this.#visit(this);
    }
    this.#current = -1;
    if (this.#failures.size > 0) this.#failures.clear();
  }

  /** Length of the packet as the program left it. */
  get packetLength(): number {
    return this.#current < 0 ? this.#runner.packetLength : this.#hooks[this.#current]!.length;
  }

  /** That packet, as new bytes. */
  packet(): Uint8Array {
    if (this.#current < 0) return this.#runner.packet();
    const bytes = new Uint8Array(this.packetLength);
    this.#hooks[this.#current]!.copyTo(bytes, 0);
    return bytes;
  }

  /** Frees its memory; what waits is dropped. Twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const hook of this.#hooks) hook.close();
    this.#ring?.close();
    this.#runner.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #runAlone(bytes: Uint8Array, from: number, length: number): void {
    this.#current = -1;
    const start = clock.now();
    this.outcome = this.#runner.run(bytes, from, length);
    this.nanoseconds += (clock.now() - start) * 1e6;
    this.retval = this.#runner.retval;
    this.error = this.outcome === "fault" || this.outcome === "budget" ? this.#runner.error : undefined;
    this.#visit(this);
  }

  #note(index: number, status: RunStatus): void {
    const { runtime } = this.#environment;
    if (status === RUN_EXIT) return;
    const outcome = runtime.result(status).kind === "fault" ? "fault" : "budget";
    this.#failures.set(index, { outcome, error: runError(runtime, this.program, status) });
  }
}
