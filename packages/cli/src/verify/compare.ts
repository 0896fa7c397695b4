import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { type ExitStatus, exitStatus } from "../exit-status.js";
import type { Session } from "../session.js";
import { groupDigits } from "../table.js";
import { judgeByKernel } from "./judge-kernel.js";
import { judgeByMachine } from "./judge-machine.js";
import { contractOf, type FullResult, type VerifyOptions, type VerifyResult } from "./result.js";

/** What two verdicts on one program can differ in. */
export type Difference = "verdict" | "message" | "insn" | "processed" | "states";

/** The embedded verifier's answer beside the running kernel's. */
export interface Comparison {
  readonly machine: FullResult;
  readonly kernel: FullResult;
  /** Empty where they agree in all. */
  readonly differences: readonly Difference[];
}

/** What `--compare --json` prints of a program: the machine's answer, the kernel's in it. */
export interface ComparedResult extends Omit<VerifyResult, "kernel"> {
  readonly kernel: Omit<VerifyResult, "file" | "program" | "section" | "type" | "kernel">;
  readonly differences: readonly Difference[];
}

/** Asks both about one program of an object. */
export async function compareProgram(
  file: string,
  object: ObjectSpec,
  program: ProgramSpec,
  options: VerifyOptions,
): Promise<Comparison> {
  const machine = await judgeByMachine(file, object, program, options);
  const kernel = await judgeByKernel(file, object, program, options);
  return { machine, kernel, differences: differencesOf(machine, kernel) };
}

/** Once the verdicts differ, everything else does: only that is named then. */
function differencesOf(machine: FullResult, kernel: FullResult): Difference[] {
  if (machine.verdict !== kernel.verdict) return ["verdict"];
  const compared: Difference[] = ["message", "insn", "processed", "states"];
  return compared.filter((what) => {
    // The kernel names the instruction only in a log of level 1 and above, and has no figures where it stops early.
    const known = kernel[what] !== null && machine[what] !== null;
    return known && machine[what] !== kernel[what];
  });
}

/** The JSON of a comparison. */
export function comparedResult({ machine, kernel, differences }: Comparison): ComparedResult {
  const { file: _file, program: _program, section: _section, type: _type, ...answer } = contractOf(kernel);
  return { ...contractOf(machine), kernel: answer, differences };
}

/** Ok where both agree on everything about every program. */
export function statusOfComparisons(comparisons: readonly Comparison[]): ExitStatus {
  return comparisons.some(({ differences }) => differences.length > 0) ? exitStatus.different : exitStatus.ok;
}

/** A line where both agree; both answers, one below the other, where they don't. */
export function printComparison({ terminal }: Session, { machine, kernel, differences }: Comparison): void {
  const equal = differences.length === 0;
  const head = equal ? terminal.style("green", "same") : terminal.style("red", `different ${differences.join(", ")}`);
  terminal.print(`${machine.program}  ${head}`);
  if (equal) terminal.print(`  both     ${describe(machine)}${times(machine, kernel)}`);
  else {
    terminal.print(`  machine  ${describe(machine)}`);
    terminal.print(`  kernel   ${describe(kernel)}${times(machine, kernel)}`);
  }
}

function describe({ verdict, message, insn, processed, states }: FullResult): string {
  const place = insn === null ? "" : ` (instruction ${insn})`;
  const reason = verdict === "accepted" ? "" : `: ${message}${place}`;
  const figures =
    processed === null ? "" : `, ${groupDigits(processed)} instructions, ${groupDigits(states ?? 0)} states`;
  return `${verdict.replace("_", " ")}${reason}${figures}`;
}

function times({ verification_us: ours }: FullResult, { verification_us: theirs }: FullResult): string {
  if (ours === null || theirs === null) return "";
  return `; ${groupDigits(ours)} us here, ${groupDigits(theirs)} us in the kernel`;
}
