import { attachTypeId, type ProgramType, programTypeId } from "@tsbpf/core/abi";
import type { SyscallError } from "@tsbpf/core/base";
import { lineAt, VerifierError } from "@tsbpf/core/host";
import type { ProgramSpec } from "@tsbpf/core/spec";
import { lastMessage } from "../oracle/index.js";
import {
  type Capability,
  errnoName,
  errnos,
  type InfoRecords,
  loadProgram,
  type ProgramLoad,
  syscallError,
} from "../sys/index.js";
import type { AttachTarget } from "./attach-target.js";
import { hasFeature } from "./features.js";
import { kernelVersion } from "./kernel-config.js";
import { kernelName } from "./kernel-name.js";
import { LinuxProgram } from "./linux-program.js";
import type { ResolvedCode } from "./references.js";

/** Everything about one program that its spec does not say. */
export interface ProgramParts {
  readonly code: ResolvedCode;
  readonly target: AttachTarget;
  readonly btfFd: number | undefined;
  readonly functions: InfoRecords | undefined;
  readonly lines: InfoRecords | undefined;
  readonly logLevel: number;
  /** Index of the device that the program is for, and the flags that say in which sense. */
  readonly device?: number | undefined;
  readonly deviceFlags?: number | undefined;
}

/**
 * Loads a program.
 *
 * @throws VerifierError with the reason and the source line, when the verifier refuses it
 * @throws SyscallError for any other refusal
 */
export function loadLinuxProgram(spec: ProgramSpec, parts: ProgramParts): LinuxProgram {
  const load = toLoad(spec, parts);
  let { result, log } = loadProgram({ ...load, logLevel: parts.logLevel });
  if (result < 0 && parts.logLevel === 0 && result !== -errnos.EPERM) {
    // The log costs time, so that it is asked for only when there is something to explain.
    const again = loadProgram({ ...load, logLevel: 1 });
    result = again.result;
    log = again.log;
  }
  if (result >= 0) return new LinuxProgram(result, spec, parts.logLevel === 0 ? "" : log);
  throw loadError(spec, -result, log);
}

function toLoad(spec: ProgramSpec, parts: ProgramParts): ProgramLoad {
  const attachType = spec.attachType === undefined ? 0 : attachTypeId(spec.attachType);
  const withInfo = parts.btfFd !== undefined && parts.functions !== undefined;
  return {
    type: programTypeId(spec.type),
    insns: parts.code.insns,
    name: kernelName(spec.name),
    license: spec.license,
    flags: spec.flags | (parts.deviceFlags ?? 0),
    interfaceIndex: parts.device,
    expectedAttachType: hasFeature("expectedAttachType") ? attachType : 0,
    kernelVersion: spec.type === "kprobe" ? spec.kernelVersion || kernelVersion() : spec.kernelVersion,
    btfFd: parts.btfFd,
    functions: withInfo ? parts.functions : undefined,
    lines: withInfo ? parts.lines : undefined,
    fdArray: parts.code.fdArray,
    ...parts.target,
  };
}

function loadError(spec: ProgramSpec, errno: number, log: string): SyscallError {
  const reason = lastMessage(log);
  // A log may have been begun before the kernel gave up for a reason that is not the program's.
  const cutShort = errno === errnos.EAGAIN || errno === errnos.ENOMEM;
  if (reason === "" || cutShort)
    return syscallError(`BPF_PROG_LOAD of '${spec.name}'`, errno, { log, needs: capabilitiesFor(spec.type) });
  const slot = lastSlot(log);
  return new VerifierError({
    command: "BPF_PROG_LOAD",
    errno,
    errnoName: errnoName(errno),
    log,
    program: spec.name,
    reason,
    slot,
    line: slot === undefined ? undefined : lineAt(spec, slot),
  });
}

/** The instruction that the verifier's log ends at: `12: (85) call bpf_map_lookup_elem#1`. */
function lastSlot(log: string): number | undefined {
  let slot: number | undefined;
  for (const match of log.slice(-65_536).matchAll(/^(\d+): \([0-9a-f]{2}\) /gm)) slot = Number(match[1]);
  return slot;
}

const tracing: ReadonlySet<ProgramType> = new Set([
  "kprobe",
  "tracepoint",
  "perf_event",
  "raw_tracepoint",
  "raw_tracepoint_writable",
  "tracing",
  "lsm",
  "struct_ops",
]);
const bpfOnly: ReadonlySet<ProgramType> = new Set([
  "socket_filter",
  "cgroup_skb",
  "sk_reuseport",
  "sk_lookup",
  "syscall",
  "lirc_mode2",
]);

/** What loading a program of a type needs beside CAP_BPF. @see capabilities(7) */
function capabilitiesFor(type: ProgramType): readonly Capability[] {
  if (type === "ext") return ["CAP_NET_ADMIN", "CAP_PERFMON"];
  if (tracing.has(type)) return ["CAP_PERFMON"];
  return bpfOnly.has(type) ? [] : ["CAP_NET_ADMIN"];
}
