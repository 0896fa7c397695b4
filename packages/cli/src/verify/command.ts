import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { type ExitStatus, exitStatus } from "../exit-status.js";
import { chooseProgram, readObjectFile } from "../object-file.js";
import { printJson, type Session } from "../session.js";
import { groupDigits } from "../table.js";
import type { Comparison } from "./compare.js";
import { loadKernelTypes } from "./kernel-types.js";
import { contractOf, type FullResult, type VerifyOptions, type VerifyResult } from "./result.js";

/** `tsbpf verify FILE`: a verdict on each program of an object. Answers the exit status. */
export async function verifyFile(session: Session, file: string, options: VerifyOptions): Promise<ExitStatus> {
  const object = await readObjectFile(file, options.type === undefined ? {} : { type: options.type });
  const programs =
    options.program === undefined ? [...object.programs.values()] : [chooseProgram(object, options.program)];
  if (options.compare === true) return compareFile(session, file, object, programs, options);
  const judge = await chooseJudge(options);
  const results: FullResult[] = [];
  for (const program of programs) {
    const result = await judge(file, object, program, options);
    results.push(result);
    if (!session.json) printResult(session, result, options);
  }
  if (session.json) printJson(session, results.map(contractOf));
  else if (results.length === 0) session.terminal.warn(`${file}: no programs`);
  else if (options.host === "machine") await printOrigin(session, options);
  return statusOf(results);
}

/** Asks the embedded verifier and the kernel, and shows where they differ. */
async function compareFile(
  session: Session,
  file: string,
  object: ObjectSpec,
  programs: readonly ProgramSpec[],
  options: VerifyOptions,
): Promise<ExitStatus> {
  const { comparedResult, compareProgram, printComparison, statusOfComparisons } = await import("./compare.js");
  const comparisons: Comparison[] = [];
  for (const program of programs) {
    const comparison = await compareProgram(file, object, program, options);
    comparisons.push(comparison);
    if (!session.json) printComparison(session, comparison);
  }
  if (session.json) printJson(session, comparisons.map(comparedResult));
  return statusOfComparisons(comparisons);
}

/** Says whose facts the verdicts rest on. */
async function printOrigin({ terminal }: Session, { btf, config, kernel }: VerifyOptions): Promise<void> {
  if (kernel !== undefined) {
    terminal.print(terminal.style("dim", `kernel: what Linux ${kernel} has and its limits, over 6.18's analysis`));
  }
  if (config !== undefined) terminal.print(terminal.style("dim", `kernel configuration: ${config}`));
  const { origin } = await loadKernelTypes(btf);
  terminal.print(terminal.style("dim", `kernel types: ${origin}`));
}

type Judge = (file: string, object: ObjectSpec, program: ProgramSpec, options: VerifyOptions) => Promise<FullResult>;

async function chooseJudge({ host }: VerifyOptions): Promise<Judge> {
  if (host === "kernel") return (await import("./judge-kernel.js")).judgeByKernel;
  return (await import("./judge-machine.js")).judgeByMachine;
}

export function statusOf(results: readonly VerifyResult[]): ExitStatus {
  if (results.some(({ verdict }) => verdict === "rejected")) return exitStatus.rejected;
  return results.some(({ verdict }) => verdict === "not_reached") ? exitStatus.notReached : exitStatus.ok;
}

const styles = { accepted: "green", rejected: "red", not_reached: "yellow" } as const;

function printResult({ terminal }: Session, result: FullResult, options: VerifyOptions): void {
  if (options.logLevel > 0 && result.log !== "") terminal.write(result.log);
  const verdict = terminal.style(styles[result.verdict], result.verdict.replace("_", " "));
  const figures =
    result.processed === null
      ? ""
      : `  ${groupDigits(result.processed)} instructions, ${groupDigits(result.states ?? 0)} states`;
  terminal.print(`${result.program}  ${verdict}${figures}`);
  if (result.verdict === "accepted") return;
  const slot = result.insn === null ? "" : ` (instruction ${result.insn})`;
  terminal.print(`  ${result.message}${slot}`);
  if (result.line !== null) terminal.print(`  ${result.line}: ${result.source ?? ""}`);
}
