import { ENODEV } from "../abi/index.js";
import { NotSupportedError } from "../base/index.js";
import type { TestRunOptions, TestRunResult } from "../host/index.js";
import { type Environment, type SkbContext, skBuff } from "../runtime/index.js";
import type { MachineProgram } from "./machine-program.js";
import { LOOPBACK, SkbHook } from "./packet-hook.js";
import { checkOutput, readContext, refuse, repeatRun, type TestRunner } from "./test-run.js";

const GSO_LEGACY_MAX = 65_536;
const GSO_SEGMENTS_MAX = 65_535;
const BPF_F_TEST_SKB_CHECKSUM_COMPLETE = 4;

/** What a caller may set of a `__sk_buff`: everything in between must be zero. */
const settable: readonly (readonly [from: number, to: number])[] = [
  [skBuff.mark, skBuff.mark + 4],
  [skBuff.priority, skBuff.ifindex + 4],
  [skBuff.cb, skBuff.cb + 20],
  [skBuff.tstamp, skBuff.gsoSegs + 4],
  [skBuff.gsoSize, skBuff.gsoSize + 4],
  [skBuff.hwtstamp, skBuff.hwtstamp + 8],
];
/** What comes back: as above, without gso_size. */
const returned = settable.filter(([from]) => from !== skBuff.gsoSize);

/** Test runs of programs with a `__sk_buff`. */
export class SkbTestRunner implements TestRunner {
  readonly types = ["sched_cls", "sched_act", "socket_filter", "cgroup_skb", "lwt_in", "lwt_out", "lwt_xmit"] as const;
  readonly #environment: Environment;
  readonly #layer2: SkbHook;
  readonly #layer3: SkbHook;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#layer2 = new SkbHook(environment, true);
    this.#layer3 = new SkbHook(environment, false);
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    const flags = options.flags ?? 0;
    if ((flags & ~BPF_F_TEST_SKB_CHECKSUM_COMPLETE) !== 0 || (options.cpu ?? 0) !== 0) refuse("unknown flags or a CPU");
    if (flags !== 0)
      throw new NotSupportedError("BPF_F_TEST_SKB_CHECKSUM_COMPLETE", "packets have no device's checksum");
    const hook = program.type === "sched_cls" || program.type === "sched_act" ? this.#layer2 : this.#layer3;
    const data = options.data ?? new Uint8Array(0);
    const problem = hook.load(data, 0, data.length);
    if (problem !== undefined) refuse(problem);
    const given = readContext(options, skBuff.size);
    const skb = hook.context;
    if (given !== undefined) this.#applyContext(skb, given);
    const duration = repeatRun(this.#environment, program, skb, options.repeat ?? 1);
    const retval = this.#environment.runtime.r0;
    const output = new Uint8Array(hook.length);
    hook.copyTo(output, 0);
    checkOutput(options, output.length);
    return {
      retval,
      data: output,
      context: given === undefined ? new Uint8Array(0) : this.#returnContext(skb, given),
      duration,
    };
  }

  close(): void {
    this.#layer2.close();
    this.#layer3.close();
  }

  #applyContext(skb: SkbContext, given: Uint8Array): void {
    const view = new DataView(given.buffer);
    let last = 0;
    for (const [from, to] of settable) {
      requireZeros(given, last, from);
      last = to;
    }
    requireZeros(given, last, skBuff.size);
    const device = view.getUint32(skBuff.ifindex, true);
    if (device > LOOPBACK && !this.#environment.network.devices.has(device))
      refuse(`there is no device ${device}`, ENODEV);
    const wireLength = view.getUint32(skBuff.wireLen, true);
    if (wireLength !== 0 && (wireLength < skb.length || wireLength > GSO_LEGACY_MAX))
      refuse("wire_len is out of range");
    if (view.getUint32(skBuff.gsoSegs, true) > GSO_SEGMENTS_MAX) refuse("gso_segs is out of range");
    const { u8 } = this.#environment.runtime.memory;
    const at = skb.address;
    for (const [from, to] of settable) u8.set(given.subarray(from, to), at + from);
    skb.setField(skBuff.ifindex, Math.max(LOOPBACK, device));
    skb.setField(skBuff.wireLen, wireLength || skb.length);
  }

  #returnContext(skb: SkbContext, given: Uint8Array): Uint8Array {
    const context = given.slice();
    const after = this.#environment.runtime.memory.copy(skb.address, skBuff.size);
    for (const [from, to] of returned) context.set(after.subarray(from, to), from);
    return context;
  }
}

function requireZeros(context: Uint8Array, from: number, to: number): void {
  if (context.subarray(from, to).some((byte) => byte !== 0))
    refuse(`context bytes ${from} to ${to - 1} are not settable`);
}
