import { attachTypeId } from "@tsbpf/core/abi";
import type { KprobeMultiOptions, KprobeOptions, Program } from "@tsbpf/core/host";
import { addressOf, cString, keepAlive, openPerfEvent } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { createLink, type KernelLink } from "./link.js";
import { attachPerfEvent } from "./perf-event.js";
import { probeEventSource } from "./probe-event.js";
import { targetOf } from "./tracepoint.js";

const BPF_F_KPROBE_MULTI_RETURN = 1;

/** Attaches to a kernel function's entry or return. @throws SyscallError ENOENT where the kernel has no kprobes. */
export function attachKprobe(program: Program, options: KprobeOptions = {}): KernelLink {
  requireType(program, "a kprobe", "kprobe");
  const symbol = options.symbol ?? targetOf(program);
  const source = probeEventSource("kprobe");
  const name = cString(symbol);
  const event = openPerfEvent(
    {
      type: source.type,
      config: options.return ? 1n << source.returnBit : 0n,
      config1: addressOf(name),
      config2: options.offset ?? 0,
    },
    -1,
    0,
    `kprobe at ${symbol}`,
  );
  keepAlive(name);
  return attachPerfEvent(options.return ? "kretprobe" : "kprobe", program, event, options.cookie);
}

/** Attaches one program to many kernel functions. Since 5.18; loaded with attach type `trace_kprobe_multi`. */
export function attachKprobeMulti(program: Program, options: KprobeMultiOptions): KernelLink {
  requireType(program, "kprobe.multi", "kprobe");
  const names = options.symbols.map(cString);
  const session = program.spec.attachType === "trace_kprobe_session";
  const link = createLink(
    "kprobe_multi",
    program,
    {
      attach_type: attachTypeId(session ? "trace_kprobe_session" : "trace_kprobe_multi"),
      "kprobe_multi.flags": options.return ? BPF_F_KPROBE_MULTI_RETURN : 0,
      "kprobe_multi.cnt": names.length,
      "kprobe_multi.syms": BigUint64Array.from(names, (name) => BigInt(addressOf(name))),
      "kprobe_multi.cookies": options.cookies === undefined ? undefined : BigUint64Array.from(options.cookies),
    },
    `at ${options.symbols.length} functions`,
  );
  keepAlive(names);
  return link;
}
