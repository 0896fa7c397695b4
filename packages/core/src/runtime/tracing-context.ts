import type { LinearMemory } from "../wasm/index.js";
import type { RunContext } from "./run-stack.js";

/** What helpers tell of the hook that a tracing program runs at. */
export interface TracingEvent {
  /** bpf_get_attach_cookie() */
  readonly cookie: bigint;
  /** bpf_get_func_ip() */
  readonly functionAddress: bigint;
  /** Return addresses, innermost first, for bpf_get_stack() and bpf_get_stackid(). */
  readonly kernelStack: readonly bigint[];
  readonly userStack: readonly bigint[];
  /** At the function's return: of probes that run at both ends. */
  readonly atReturn: boolean;
  /** Address of the u64 that the two runs of a session share (bpf_session_cookie()). */
  readonly sessionCookie: number | undefined;
}

/** An event that nothing is known of. */
export const NO_EVENT: TracingEvent = {
  cookie: 0n,
  functionAddress: 0n,
  kernelStack: [],
  userStack: [],
  atReturn: false,
  sessionCookie: undefined,
};

/** The context of a tracing program: registers, arguments or a trace record, and what helpers know of the event. */
export class TracingContext implements RunContext {
  readonly address: number;
  readonly size: number;
  readonly packetStart = 0;
  readonly packetEnd = 0;
  event: TracingEvent = NO_EVENT;
  /** u64s of arguments, for trampolines (fentry, fexit, fmod_ret, LSM); -1 for other hooks. */
  argumentCount = -1;
  /** The function's result follows its arguments. */
  hasResult = false;
  /** What bpf_override_return() wants returned in place of the function's result. */
  overridden: bigint | undefined;
  readonly #memory: LinearMemory;

  /** @param bytes what it holds at first; the rest is zeros. */
  constructor(memory: LinearMemory, size: number, bytes: Uint8Array = new Uint8Array(0)) {
    this.#memory = memory;
    this.size = size;
    this.address = memory.alloc(Math.max(8, size));
    memory.u8.set(bytes.subarray(0, size), this.address);
  }

  /** A u64 of it. */
  word(index: number): bigint {
    return this.#memory.view.getBigUint64(this.address + index * 8, true);
  }

  setWord(index: number, value: bigint): void {
    this.#memory.view.setBigUint64(this.address + index * 8, BigInt.asUintN(64, value), true);
  }

  /** As the program left it. */
  bytes(): Uint8Array {
    return this.#memory.copy(this.address, this.size);
  }

  close(): void {
    this.#memory.free(this.address);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
