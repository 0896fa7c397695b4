import { existsSync } from "node:fs";
import { type Btf, lineAt, type ObjectSpec, type ProgramSpec, parseBtf } from "@tsbpf/core";
import { applyCoreRelocations } from "@tsbpf/core/object";
import { type Verdict, type VerifierInput, verifierInput, verify } from "@tsbpf/core/verifier";
import { readInput } from "../object-file.js";
import type { FullResult, VerifyOptions } from "./result.js";

const RUNNING_KERNEL = "/sys/kernel/btf/vmlinux";

let kernelTypes: Promise<Btf | undefined> | undefined;

/** The kernel's types: those of `--btf`, else the running kernel's where it has them. Read once. */
export function loadKernelTypes(file: string | undefined): Promise<Btf | undefined> {
  kernelTypes ??= (async () => {
    const source = file ?? (existsSync(RUNNING_KERNEL) ? RUNNING_KERNEL : undefined);
    return source === undefined ? undefined : parseBtf(await readInput(source));
  })();
  return kernelTypes;
}

/** The embedded verifier's verdict on one program of an object. */
export async function judgeByMachine(
  file: string,
  object: ObjectSpec,
  program: ProgramSpec,
  options: VerifyOptions,
): Promise<FullResult> {
  const head = { file, program: program.name, section: program.section, type: program.type };
  let input: VerifierInput;
  let spec = program;
  try {
    const types = await loadKernelTypes(options.btf);
    if (program.coreRelocations.length > 0 && types !== undefined && object.btf !== undefined) {
      spec = applyCoreRelocations(program, object.btf, types);
    }
    input = verifierInput(object, spec, types);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const none = { insn: null, line: null, processed: null, states: null, verification_us: null };
    return { ...head, verdict: "rejected", message, ...none, log: "", source: undefined };
  }
  const flags = options.flags ?? program.flags;
  return { ...head, ...describeVerdict(judge({ ...input, flags }, options), spec) };
}

/** Runs the verifier with a clock and what the command line asks for. */
export function judge(input: VerifierInput, options: Pick<VerifyOptions, "logLevel" | "timeLimit">): Verdict {
  const end = options.timeLimit === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.timeLimit * 1000;
  return verify(input, {
    logLevel: options.logLevel,
    now: () => performance.now(),
    shouldStop: () => performance.now() > end,
  });
}

type Outcome = Omit<FullResult, "file" | "program" | "section" | "type">;

/** A verdict as the command tells it. */
export function describeVerdict(verdict: Verdict, spec?: Pick<ProgramSpec, "functions" | "lines">): Outcome {
  const stopped = verdict.verdict === "accepted" ? null : verdict.insn;
  const line = stopped === null || spec === undefined ? undefined : lineAt(spec, stopped);
  return {
    verdict: verdict.verdict,
    message: verdict.verdict === "accepted" ? "" : verdict.message,
    insn: stopped,
    line: line === undefined ? null : `${line.file}:${line.line}`,
    processed: verdict.processed,
    states: verdict.totalStates,
    verification_us: verdict.microseconds === undefined ? null : Math.round(verdict.microseconds),
    log: verdict.log,
    source: line?.text.trim(),
  };
}
