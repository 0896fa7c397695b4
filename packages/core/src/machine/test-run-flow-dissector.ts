import type { TestRunOptions, TestRunResult } from "../host/index.js";
import type { Environment } from "../runtime/index.js";
import type { MachineProgram } from "./machine-program.js";
import { SkbHook } from "./packet-hook.js";
import { checkOutput, readContext, refuse, repeatRun, type TestRunner } from "./test-run.js";

const ETH_HLEN = 14;
const PAGE_SIZE = 4096;
/** Where a `__sk_buff` has the pointer to the keys. */
const FLOW_KEYS = 144;
/** `struct bpf_flow_keys`; the fields that are used here, in bytes from its start. */
const flowKeys = { size: 56, nhoff: 0, thoff: 2, nProto: 10, flags: 48 } as const;

/** Test runs of flow dissectors: what comes back as data is the `struct bpf_flow_keys` that the program filled in. */
export class FlowDissectorTestRunner implements TestRunner {
  readonly types = ["flow_dissector"] as const;
  readonly #environment: Environment;
  #hook: SkbHook | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    if ((options.flags ?? 0) !== 0 || (options.cpu ?? 0) !== 0) refuse("unknown flags or a CPU");
    const data = options.data ?? new Uint8Array(0);
    if (data.length < ETH_HLEN || data.length > PAGE_SIZE) refuse(`a frame has ${ETH_HLEN} to ${PAGE_SIZE} bytes`);
    const given = readContext(options, flowKeys.size);
    if (given?.some((byte, at) => byte !== 0 && (at < flowKeys.flags || at >= flowKeys.flags + 4)))
      refuse("only the flags of the keys can be given");
    const flags = given === undefined ? 0 : new DataView(given.buffer).getUint32(flowKeys.flags, true);
    return this.#dissect(program, options, data, { given, flags });
  }

  close(): void {
    this.#hook?.close();
  }

  #dissect(
    program: MachineProgram,
    options: TestRunOptions,
    data: Uint8Array,
    { given, flags }: { readonly given: Uint8Array | undefined; readonly flags: number },
  ): TestRunResult {
    const { runtime, kernel } = this.#environment;
    this.#hook ??= new SkbHook(this.#environment, true);
    const skb = this.#hook.context;
    skb.load(data, 0, data.length);
    const keys = kernel.createBytes(new Uint8Array(flowKeys.size));
    try {
      let [duration, retval] = [0, 0];
      const times = Math.max(1, options.repeat ?? 1);
      for (let time = 0; time < times; time++) {
        const { view, u8 } = runtime.memory;
        view.setBigUint64(skb.address + FLOW_KEYS, BigInt(keys.address), true);
        u8.fill(0, keys.address, keys.address + flowKeys.size);
        view.setUint16(keys.address + flowKeys.nhoff, ETH_HLEN, true);
        view.setUint16(keys.address + flowKeys.thoff, ETH_HLEN, true);
        u8.set(data.subarray(12, 14), keys.address + flowKeys.nProto);
        view.setUint32(keys.address + flowKeys.flags, flags, true);
        duration += repeatRun(this.#environment, program, skb, 1);
        retval = runtime.r0;
      }
      const output = kernel.bytes(keys.address, flowKeys.size);
      clampOffsets(output, data.length);
      checkOutput(options, output.length);
      return { retval, data: output, context: given ?? new Uint8Array(0), duration: Math.round(duration / times) };
    } finally {
      keys.close();
    }
  }
}

/** Whatever the program says, the headers lie in the packet, and the transport header not before the network header. */
function clampOffsets(keys: Uint8Array, length: number): void {
  const view = new DataView(keys.buffer, keys.byteOffset);
  const nhoff = Math.min(Math.max(view.getUint16(flowKeys.nhoff, true), ETH_HLEN), length);
  const thoff = Math.min(Math.max(view.getUint16(flowKeys.thoff, true), nhoff), length);
  view.setUint16(flowKeys.nhoff, nhoff, true);
  view.setUint16(flowKeys.thoff, thoff, true);
}
