import type { ObjectSpec, ProgramSpec } from "@tsbpf/core";
import { VerifierError } from "@tsbpf/core/host";
import { CommandError } from "../command-error.js";
import type { FullResult, VerifyOptions } from "./result.js";

type Linux = typeof import("@tsbpf/linux");

/** The kernel package, where this is a kernel that answers. @throws CommandError with the reason. */
export async function requireKernel(): Promise<Linux> {
  let linux: Linux;
  try {
    linux = await import("@tsbpf/linux");
  } catch (error) {
    throw new CommandError("--host kernel needs the package @tsbpf/linux", {
      hint: (error as Error).message,
      cause: error,
    });
  }
  const problem = linux.kernelProblem();
  if (problem !== undefined) throw new CommandError(`--host kernel: ${problem}`);
  return linux;
}

const STATISTICS = 4;

/** The running kernel's verdict on one program of an object. */
export async function judgeByKernel(
  file: string,
  object: ObjectSpec,
  program: ProgramSpec,
  options: VerifyOptions,
): Promise<FullResult> {
  const { Linux, parseVerifierStatistics } = await requireKernel();
  const head = { file, program: program.name, section: program.section, type: program.type };
  const spec = options.flags === undefined ? program : { ...program, flags: options.flags };
  const one: ObjectSpec = { ...object, programs: new Map([[program.name, spec]]) };
  using host = await Linux.open();
  try {
    const loaded = await host.load(one, { programs: [program.name], logLevel: options.logLevel | STATISTICS });
    const { log } = loaded.program(program.name);
    return { ...head, verdict: "accepted", message: "", insn: null, line: null, ...figures(log), log, source: undefined };
  } catch (error) {
    if (!(error instanceof VerifierError)) {
      const message = error instanceof Error ? error.message : String(error);
      const none = { insn: null, line: null, ...figures(""), log: "", source: undefined };
      return { ...head, verdict: "rejected", message, ...none };
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
