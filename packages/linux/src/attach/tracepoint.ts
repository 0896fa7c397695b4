import { existsSync, readFileSync } from "node:fs";
import { BpfError, NotSupportedError } from "@tsbpf/core/base";
import type { CookieOptions, PerfEventOptions, Program } from "@tsbpf/core/host";
import { BpfCall, fdOf, openPerfEvent, syscallError } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { BpfLink, type KernelLink } from "./link.js";
import { attachPerfEvent } from "./perf-event.js";

const PERF_TYPE_TRACEPOINT = 2;
const folders = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/**
 * Attaches to a tracepoint by its name in tracefs, e.g. `"syscalls/sys_enter_execve"`; what the program's section names
 * unless given.
 *
 * @throws NotSupportedError when tracefs is not mounted, BpfError `"NO_ATTACH_TARGET"` for an unknown tracepoint.
 */
export function attachTracepoint(program: Program, name?: string, options: CookieOptions = {}): KernelLink {
  requireType(program, "a tracepoint", "tracepoint");
  const tracepoint = (name ?? targetOf(program)).replace(":", "/");
  const id = BigInt(readEventId(tracepoint));
  const event = openPerfEvent(
    { type: PERF_TYPE_TRACEPOINT, config: id, samplePeriod: 1 },
    -1,
    0,
    `tracepoint ${tracepoint}`,
  );
  return attachPerfEvent("tracepoint", program, event, options.cookie);
}

/** What the program says that it attaches to. @throws BpfError `"NO_ATTACH_TARGET"` when it says nothing. */
export function targetOf(program: Program): string {
  const target = program.spec.attachTo;
  if (target !== undefined && target !== "") return target;
  throw new BpfError("NO_ATTACH_TARGET", `program '${program.name}' does not say what it attaches to: give it`, {
    program: program.name,
  });
}

function readEventId(name: string): string {
  const folder = folders.find((path) => existsSync(`${path}/events`));
  if (folder === undefined) {
    throw new NotSupportedError("tracefs", "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing");
  }
  const path = `${folder}/events/${name}/id`;
  if (!/^[\w-]+\/[\w-]+$/.test(name) || !existsSync(path)) {
    throw new BpfError("NO_ATTACH_TARGET", `there is no tracepoint ${name} in ${folder}/events`, { name });
  }
  return readFileSync(path, "utf8").trim();
}

/**
 * Attaches to a raw tracepoint (`raw_tp`, since 4.17), named as in the kernel's sources: `"sched_switch"`; or a BTF-typed
 * one (`tp_btf`, since 5.5), fentry, fexit, fmod_ret or LSM program, whose target was fixed when it was loaded.
 */
export function attachRawTracepoint(program: Program, name?: string, options: CookieOptions = {}): KernelLink {
  requireType(program, "a raw tracepoint", "raw_tracepoint", "raw_tracepoint_writable", "tracing", "lsm");
  const untyped = program.type.startsWith("raw_tracepoint");
  const target = untyped ? (name ?? targetOf(program)) : undefined;
  const call = new BpfCall("BPF_RAW_TRACEPOINT_OPEN", { name: target, prog_fd: fdOf(program), cookie: options.cookie });
  const result = call.try();
  if (result < 0)
    throw syscallError(`BPF_RAW_TRACEPOINT_OPEN of '${program.name}' at ${target ?? targetOf(program)}`, -result);
  return new BpfLink(untyped ? "raw_tracepoint" : "tracing", result, program);
}

/** Runs a perf_event program on samples of an event. Since 4.9. */
export function attachPerf(program: Program, options: PerfEventOptions): KernelLink {
  requireType(program, "a perf event", "perf_event");
  const attr = {
    type: options.type,
    config: BigInt(options.config),
    samplePeriod: options.frequency ?? options.period ?? 1,
    frequency: options.frequency !== undefined,
  };
  const event = openPerfEvent(
    attr,
    options.pid ?? -1,
    options.cpu ?? -1,
    `perf event ${options.type}/${options.config}`,
  );
  return attachPerfEvent("perf_event", program, event, options.cookie);
}
