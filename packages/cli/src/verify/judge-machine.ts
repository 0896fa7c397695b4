import { capabilities, errnoName, type KernelConfig } from "@tsbpf/core/abi";
import { lineAt } from "@tsbpf/core/host";
import { applyCoreRelocations } from "@tsbpf/core/object";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { type Verdict, type VerifierInput, verifierInput, verify, verifyForKernel } from "@tsbpf/core/verifier";
import { missingToLoad } from "./capabilities.js";
import { withKconfig } from "./kconfig.js";
import { kernelConfigOf } from "./kernel-config.js";
import { isLeftOut, type KernelTypes, leftOutType, loadKernelTypes } from "./kernel-types.js";
import type { FullResult, VerifyOptions } from "./result.js";

/** The embedded verifier's verdict on one program of an object. */
export async function judgeByMachine(
  file: string,
  object: ObjectSpec,
  program: ProgramSpec,
  options: VerifyOptions,
): Promise<FullResult> {
  const kernel = await loadKernelTypes(options.btf);
  const head = { file, program: program.name, section: program.section, type: program.type };
  const config = await kernelConfigOf(options, kernel);
  const filled = await withKconfig(object, kernel, options, config);
  const outcome = judgeProgram(filled, program, options, kernel, config);
  return { ...head, ...outcome, types: kernel.source, ...versionOf(options) };
}

function judgeProgram(
  object: ObjectSpec,
  program: ProgramSpec,
  options: VerifyOptions,
  kernel: KernelTypes,
  config: KernelConfig | undefined,
): Outcome {
  const leftOut = leftOutType(kernel, object, program);
  if (leftOut !== undefined) {
    return withoutVerdict(`the shipped kernel types do not have ${leftOut}; --btf FILE names a kernel's`);
  }
  let input: VerifierInput;
  let spec = program;
  try {
    if (program.coreRelocations.length > 0 && object.btf !== undefined) {
      spec = applyCoreRelocations(program, object.btf, kernel.types);
    }
    input = verifierInput(object, spec, kernel.types, config);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (isLeftOut(kernel, error)) return withoutVerdict(`${message} (shipped; --btf FILE names a kernel's)`);
    return { ...withoutVerdict(message), verdict: "rejected" };
  }
  const flags = options.flags ?? program.flags;
  const outcome = describeVerdict(judge({ ...input, flags }, options, config), spec);
  const missing = missingToLoad(program.type, options.capabilities ?? capabilities);
  return missing === undefined ? outcome : { ...outcome, message: `${outcome.message}: ${missing}` };
}

function withoutVerdict(message: string): Outcome {
  const none = { insn: null, line: null, processed: null, states: null, verification_us: null };
  return { verdict: "not_reached", message, ...none, log: "", source: undefined };
}

/** The older kernel and the loader that a verdict is for, where they were asked for. */
export function versionOf({ kernel, capabilities }: VerifyOptions): Pick<FullResult, "kernel" | "capabilities"> {
  return { ...(kernel === undefined ? {} : { kernel }), ...(capabilities === undefined ? {} : { capabilities }) };
}

/** Runs the verifier with a clock and what the command line asks for. */
export function judge(input: VerifierInput, options: VerifyOptions, kernelConfig?: KernelConfig): Verdict {
  const end = options.timeLimit === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.timeLimit * 1000;
  const settings = {
    logLevel: options.logLevel,
    capabilities: options.capabilities,
    kernelConfig,
    now: () => performance.now(),
    shouldStop: () => performance.now() > end,
  };
  return options.kernel === undefined ? verify(input, settings) : verifyForKernel(input, options.kernel, settings);
}

function messageOf(verdict: Verdict): string {
  return verdict.verdict === "accepted" ? "" : verdict.message;
}

type Outcome = Omit<FullResult, "file" | "program" | "section" | "type">;

/** A verdict as the command tells it. */
export function describeVerdict(verdict: Verdict, spec?: Pick<ProgramSpec, "functions" | "lines">): Outcome {
  const unseen = verdict.verdict === "rejected" && verdict.message === "";
  const stopped = verdict.verdict === "accepted" || verdict.insn < 0 || unseen ? null : verdict.insn;
  const line = stopped === null || spec === undefined ? undefined : lineAt(spec, stopped);
  return {
    verdict: verdict.verdict,
    // bpf(2) refuses some loads before its verifier has a word to say.
    message: unseen ? errnoName(verdict.errno) : messageOf(verdict),
    insn: stopped,
    line: line === undefined ? null : `${line.file}:${line.line}`,
    processed: verdict.processed,
    states: verdict.totalStates,
    verification_us: verdict.microseconds === undefined ? null : Math.round(verdict.microseconds),
    log: verdict.log,
    source: line?.text.trim(),
  };
}
