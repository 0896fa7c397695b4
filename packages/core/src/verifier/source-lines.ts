import type { Analysis } from "./analysis.js";

/** Index of the line record that an instruction belongs to, or -1. */
export function lineOf(analysis: Analysis, slot: number): number {
  const { lines } = analysis;
  let low = 0;
  let high = lines.length - 1;
  if (high < 0 || slot < lines[0]!.slot) return -1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lines[middle]!.slot <= slot) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Logs the source line of an instruction, unless it was the last one logged. */
export function logLine(analysis: Analysis, slot: number, prefix: string): void {
  if (analysis.log.level === 0 || analysis.lines.length === 0) return;
  const index = lineOf(analysis, slot);
  if (index < 0 || index === analysis.loggedLine) return;
  analysis.loggedLine = index;
  const record = analysis.lines[index]!;
  const file = record.file.slice(record.file.lastIndexOf("/") + 1);
  analysis.log.write(`${prefix}${record.text.trimStart()} @ ${file}:${record.line}\n`);
}
