import type { MapCore } from "../maps/index.js";
import {
  type Environment,
  type RedirectTarget,
  RUN_EXIT,
  type RunStatus,
  SkbContext,
  skBuff,
} from "../runtime/index.js";
import type { EventHub } from "./event-hub.js";
import { type RunError, runError } from "./fault-error.js";
import type { MachineProgram } from "./machine-program.js";
import type { PacketHook } from "./packet-hook.js";

/**
 * How a packet fared: a verdict; skipped, where the hook takes no such frame (the kernel's EINVAL); a fault, or the
 * end of the instruction budget.
 */
export type PacketOutcome = "verdict" | "skipped" | "fault" | "budget";

/**
 * Runs many packets through one program, one after the other, with as little in between as possible: each starts as
 * in a test run of its own, with the frame's own bytes and a fresh context, in memory that is used again.
 *
 *     const runner = machine.createPacketRunner(program);
 *     if (runner.run(packet.bytes, packet.offset, packet.length) === "verdict") counts[runner.retval]++;
 *
 * What the getters say is about the last packet.
 */
export class PacketRunner {
  readonly program: MachineProgram;
  /** The program's verdict: r0 as a u32. */
  retval = 0;
  /** Why the last packet was skipped. */
  skipReason: string | undefined;
  readonly #environment: Environment;
  readonly #maps: MapCore;
  readonly #events: EventHub;
  readonly #hook: PacketHook;
  #status: RunStatus = RUN_EXIT;
  #closed = false;

  /** @internal */
  constructor(
    program: MachineProgram,
    parts: { environment: Environment; maps: MapCore; events: EventHub; hook: PacketHook },
  ) {
    this.program = program;
    this.#environment = parts.environment;
    this.#maps = parts.maps;
    this.#events = parts.events;
    this.#hook = parts.hook;
    program.reference();
  }

  /** @throws SyscallError EBADF when the program's handle was closed. */
  run(bytes: Uint8Array, from = 0, length: number = bytes.length - from): PacketOutcome {
    this.program.assertOpen("BPF_PROG_TEST_RUN");
    this.skipReason = this.#hook.load(bytes, from, length);
    if (this.skipReason !== undefined) return "skipped";
    const { runtime, redirect } = this.#environment;
    redirect.clear();
    this.#maps.enterRun();
    this.#status = this.program.execute(runtime, this.#hook.context);
    this.#maps.leaveRun();
    this.#events.deliver();
    if (this.#status !== RUN_EXIT) return runtime.result(this.#status).kind === "fault" ? "fault" : "budget";
    this.retval = runtime.r0;
    return "verdict";
  }

  /** What went wrong, after `"fault"` or `"budget"`, with its place in the source. */
  get error(): RunError | undefined {
    return this.#status === RUN_EXIT ? undefined : runError(this.#environment.runtime, this.program, this.#status);
  }

  /** Where the program wants the packet to go, if its verdict is to redirect. The same object each time. */
  get redirect(): RedirectTarget {
    return this.#environment.redirect;
  }

  /** Length of the packet as the program left it. */
  get packetLength(): number {
    return this.#hook.length;
  }

  /** Copies that packet into `target` at `at`, {@link packetLength} bytes. */
  copyPacket(target: Uint8Array, at = 0): void {
    this.#hook.copyTo(target, at);
  }

  /** That packet, as new bytes. */
  packet(): Uint8Array {
    const bytes = new Uint8Array(this.packetLength);
    this.copyPacket(bytes);
    return bytes;
  }

  /** The VLAN tag that a tc program left beside the packet, where a device would put it in. */
  get vlanTag(): { readonly protocol: number; readonly tci: number } | undefined {
    const { context } = this.#hook;
    if (!(context instanceof SkbContext) || context.field(skBuff.vlanPresent) === 0) return undefined;
    const protocol = context.field(skBuff.vlanProto);
    return { protocol: ((protocol & 0xff) << 8) | (protocol >> 8), tci: context.field(skBuff.vlanTci) };
  }

  /** Frees its memory. Twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hook.close();
    this.program.unreference();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
