import { attachTypeId } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import type { Program, UprobeMultiOptions, UprobeOptions, UprobePlace } from "@tsbpf/core/host";
import { Executable } from "../elf/index.js";
import { addressOf, cString, keepAlive, openPerfEvent } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { createLink, type KernelLink } from "./link.js";
import { attachPerfEvent } from "./perf-event.js";
import { probeEventSource } from "./probe-event.js";

const BPF_F_UPROBE_MULTI_RETURN = 1;

/**
 * Attaches a program of type kprobe to a place in an executable or library.
 *
 * @param path The file, as this process sees it.
 * @throws BpfError `"NO_ATTACH_TARGET"` for an unknown symbol.
 */
export function attachUprobe(program: Program, path: string, options: UprobeOptions): KernelLink {
  requireType(program, "a uprobe", "kprobe");
  const offset = resolvePlace(path, options);
  const source = probeEventSource("uprobe");
  const name = cString(path);
  const config =
    (options.return ? 1n << source.returnBit : 0n) | (BigInt(options.counterOffset ?? 0) << source.counterShift);
  const event = openPerfEvent(
    { type: source.type, config, config1: addressOf(name), config2: offset },
    options.pid ?? -1,
    options.pid === undefined ? 0 : -1,
    `uprobe at ${path}+${offset}`,
  );
  keepAlive(name);
  return attachPerfEvent(options.return ? "uretprobe" : "uprobe", program, event, options.cookie);
}

/**
 * Attaches one program to many places of a file at once. Since 6.6; the program has to be loaded with attach type
 * `trace_uprobe_multi`, or `trace_uprobe_session` (6.13).
 */
export function attachUprobeMulti(program: Program, path: string, options: UprobeMultiOptions): KernelLink {
  requireType(program, "uprobe.multi", "kprobe");
  const executable = options.places.some((place) => place.symbol !== undefined) ? Executable.read(path) : undefined;
  const offsets = BigUint64Array.from(options.places, (place) => BigInt(placeIn(executable, path, place)));
  const counters = BigUint64Array.from(options.places, (place) => BigInt(place.counterOffset ?? 0));
  const cookies = BigUint64Array.from(options.places, (place) => place.cookie ?? 0n);
  const attachType = program.spec.attachType === "trace_uprobe_session" ? "trace_uprobe_session" : "trace_uprobe_multi";
  return createLink(
    "uprobe_multi",
    program,
    {
      attach_type: attachTypeId(attachType),
      "uprobe_multi.path": path,
      "uprobe_multi.offsets": offsets,
      "uprobe_multi.ref_ctr_offsets": counters.some((counter) => counter !== 0n) ? counters : undefined,
      "uprobe_multi.cookies": cookies.some((cookie) => cookie !== 0n) ? cookies : undefined,
      "uprobe_multi.cnt": offsets.length,
      "uprobe_multi.flags": options.return ? BPF_F_UPROBE_MULTI_RETURN : 0,
      "uprobe_multi.pid": options.pid ?? 0,
    },
    `at ${path}`,
  );
}

/** File offset of a place. @throws BpfError `"NO_ATTACH_TARGET"` */
function resolvePlace(path: string, place: UprobePlace): number {
  return placeIn(place.symbol === undefined ? undefined : Executable.read(path), path, place);
}

function placeIn(executable: Executable | undefined, path: string, { symbol, offset = 0 }: UprobePlace): number {
  if (symbol === undefined) return offset;
  const found = executable?.function(symbol);
  if (found !== undefined) return found.fileOffset + offset;
  throw new BpfError("NO_ATTACH_TARGET", `${path} has no function ${symbol}`, { path, symbol });
}
