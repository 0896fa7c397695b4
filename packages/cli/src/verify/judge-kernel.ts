import { SyscallError } from "@tsbpf/core/base";
import { VerifierError } from "@tsbpf/core/host";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { requireKernel } from "../kernel.js";
import type { RawJob } from "./job.js";
import { mapTypes } from "./job-input.js";
import type { FullResult, VerifyOptions } from "./result.js";

const STATISTICS = 4;

/**
 * The running kernel's verdict on one program of an object. Nothing is pinned. What fails before the kernel sees the
 * program (a map, the object's BTF) leaves it without a verdict.
 */
export async function judgeByKernel(
  file: string,
  object: ObjectSpec,
  program: ProgramSpec,
  options: VerifyOptions,
): Promise<FullResult> {
  const { Linux, parseVerifierStatistics } = await requireKernel();
  const head = { file, program: program.name, section: program.section, type: program.type, types: "running" } as const;
  const spec = options.flags === undefined ? program : { ...program, flags: options.flags };
  const one: ObjectSpec = { ...object, programs: new Map([[program.name, spec]]) };
  using host = await Linux.open();
  try {
    const loaded = await host.load(one, {
      programs: [program.name],
      logLevel: options.logLevel | STATISTICS,
      pinRoot: null,
      capabilities: options.capabilities,
    });
    const { log } = loaded.program(program.name);
    return {
      ...head,
      verdict: "accepted",
      message: "",
      insn: null,
      line: null,
      ...figures(log),
      log,
      source: undefined,
    };
  } catch (error) {
    if (!(error instanceof VerifierError)) {
      const message = error instanceof Error ? error.message : String(error);
      const none = { insn: null, line: null, ...figures(""), log: "", source: undefined };
      const reached = !(error instanceof SyscallError) || wasSeen(error);
      return { ...head, verdict: reached ? "rejected" : "not_reached", message, ...none };
    }
    const { reason, slot, line, log = "" } = error;
    const place = line === undefined ? null : `${line.file}:${line.line}`;
    const stopped = { message: reason, insn: slot ?? null, line: place };
    return { ...head, verdict: "rejected", ...stopped, ...figures(log), log, source: line?.text.trim() };
  }

  function figures(log: string) {
    const { processed, totalStates, verificationUs } = parseVerifierStatistics(log);
    return { processed: processed ?? null, states: totalStates ?? null, verification_us: verificationUs ?? null };
  }
}

/** Whether the verifier saw the program: EPERM without a word comes from what guards bpf(2). */
function wasSeen({ command, errnoName }: SyscallError): boolean {
  return command.startsWith("BPF_PROG_LOAD") && errnoName !== "EPERM";
}

/** The running kernel's verdict on raw instructions. */
export async function judgeRawByKernel(
  raw: RawJob,
  options: VerifyOptions,
): Promise<Omit<FullResult, "file" | "program" | "section" | "type">> {
  const { verifyOnKernel } = await requireKernel();
  const maps = raw.maps.map((map) => ({
    fd: map.fd,
    type: map.type,
    keySize: map.key,
    valueSize: map.value,
    maxEntries: map.max,
    flags: map.flags,
    ...(map.btf_value ? { keyTypeId: 1, valueTypeId: map.btf_value } : {}),
  }));
  const verdict = verifyOnKernel({
    ...raw,
    capabilities: options.capabilities,
    maps,
    btf: raw.btf?.bytes ?? (raw.maps.some((map) => map.btf_value) ? mapTypes().bytes : undefined),
    functions: raw.functions.length === 0 ? undefined : { bytes: raw.functions, recordSize: 8 },
    license: "GPL",
    logLevel: options.logLevel | STATISTICS | 1,
  });
  const { accepted, message, log, processed, totalStates, verificationUs } = verdict;
  return {
    verdict: accepted ? "accepted" : "rejected",
    message: accepted ? "" : message,
    insn: null,
    line: null,
    processed: processed ?? null,
    states: totalStates ?? null,
    verification_us: verificationUs ?? null,
    log,
    source: undefined,
    types: "running",
  };
}
