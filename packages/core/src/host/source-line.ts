import type { FunctionRecord, LineRecord, ProgramSpec } from "../spec/index.js";

/** The last record at or before `slot` in records sorted by slot. */
function recordAt<T extends { readonly slot: number }>(records: readonly T[], slot: number): T | undefined {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.slot <= slot) low = middle + 1;
    else high = middle;
  }
  return records[low - 1];
}

/** The function that `slot` belongs to. */
export function functionAt(program: Pick<ProgramSpec, "functions">, slot: number): FunctionRecord | undefined {
  return recordAt(program.functions, slot);
}

/** The source line of `slot`, or undefined where the compiler recorded none for its function. */
export function lineAt(program: Pick<ProgramSpec, "functions" | "lines">, slot: number): LineRecord | undefined {
  const line = recordAt(program.lines, slot);
  const start = functionAt(program, slot)?.slot ?? 0;
  // A line record does not reach across the start of another function.
  return line !== undefined && line.slot >= start ? line : undefined;
}

/** `"filter.c:42 (in handle_xdp)"`, or `"instruction 17"` where nothing better is known. */
export function describeSlot(program: Pick<ProgramSpec, "functions" | "lines">, slot: number): string {
  const line = lineAt(program, slot);
  const name = functionAt(program, slot)?.name;
  const place = line === undefined ? `instruction ${slot}` : `${line.file}:${line.line}`;
  return name === undefined ? place : `${place} (in ${name})`;
}
