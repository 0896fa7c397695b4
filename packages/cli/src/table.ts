import type { Style, Terminal } from "./terminal.js";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Prints rows under their titles, columns as wide as they need; `styleOf` colours a row by its first cell. */
export function printTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  styleOf?: (first: string) => Style,
): void {
  const widths = columns.map(({ title }, index) =>
    rows.reduce((width, row) => Math.max(width, (row[index] ?? "").length), title.length),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? "";
        return align === "right" ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!);
      })
      .join("  ")
      .trimEnd();
  terminal.print(terminal.style("bold", line(columns.map(({ title }) => title))));
  for (const row of rows) terminal.print(styleOf ? terminal.style(styleOf(row[0] ?? ""), line(row)) : line(row));
}

/** 1234567 as `1,234,567`, whatever the user's locale. */
export function groupDigits(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
