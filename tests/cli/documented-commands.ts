import { readFileSync, writeFileSync } from "node:fs";
import { batchLines } from "../../packages/cli/src/batch/lines.js";

/** A command of a page, and what the page says that it prints. */
export interface DocumentedCommand {
  /** `"tsbpf run ..."` */
  readonly line: string;
  readonly words: readonly string[];
  /** What the page shows; `...` stands for any text within a line. */
  readonly output: string;
  /** Fenced as `console kernel`: the output is of a running kernel. */
  readonly kernel: boolean;
}

const FENCE = /^```console( kernel)?\n([\s\S]*?)^```$/gm;

/** The commands of a page's `console` blocks, in their order. */
export function documentedCommands(page: string): DocumentedCommand[] {
  return [...page.matchAll(FENCE)].flatMap(([, kernel, block]) => commandsOf(block!, kernel !== undefined));
}

function commandsOf(block: string, kernel: boolean): DocumentedCommand[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = commandEnd(part);
      const line = part.slice(0, end).replace(/\\\n\s*/g, "");
      const words = batchLines(line)[0]?.words ?? [];
      return { line, words, output: part.slice(end + 1).trimEnd(), kernel };
    });
}

/** A command ends at the first line end without a `\` before it. */
function commandEnd(part: string): number {
  let end = part.indexOf("\n");
  while (end > 0 && part[end - 1] === "\\") end = part.indexOf("\n", end + 1);
  return end < 0 ? part.length : end;
}

/** Does `output` say what the page shows? */
export function isAsDocumented(shown: string, output: string): boolean {
  const pattern = shown
    .split("...")
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${pattern}$`).test(output);
}

/** Puts what commands print now into a page, in place of what it shows. For `BLESS=1`. */
export function bless(path: string, outputs: ReadonlyMap<string, string>): void {
  const page = readFileSync(path, "utf8").replace(FENCE, (_, kernel: string | undefined, block: string) => {
    const parts = block.split(/^\$ /m).slice(1);
    const renewed = parts.map((part) => {
      const end = commandEnd(part);
      const now = outputs.get(part.slice(0, end).replace(/\\\n\s*/g, ""));
      const shown = part.slice(end + 1);
      const text = now === undefined || isAsDocumented(shown.trimEnd(), now) ? shown : blessed(shown, now);
      return `$ ${part.slice(0, end)}\n${text}`;
    });
    return `\`\`\`console${kernel ?? ""}\n${renewed.join("")}\`\`\``;
  });
  writeFileSync(path, page);
}

/** What is printed now, where a line with `...` that still fits stays as it is. */
function blessed(shown: string, now: string): string {
  if (now === "") return "";
  const open = shown.split("\n").filter((line) => line.includes("..."));
  return `${now
    .split("\n")
    .map((line) => open.find((each) => isAsDocumented(each, line)) ?? line)
    .join("\n")}\n`;
}
