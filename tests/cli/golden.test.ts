import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { batchLines } from "../../packages/cli/src/batch/lines.js";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";

// Each file of testdata/cli/golden is a case: files that are there, command lines, and what each prints.
//
//     === FILE filter.s         a file, in the folder $DIR
//     === RUN tsbpf disasm $DIR/filter.s
//     what it prints
//     === ERR                   what it prints on standard error, where that is anything
//     === STATUS 2              its exit status, where that is not 0
//
// `BLESS=1` writes what is printed now into the files. $ROOT is the repository's root.

interface Part {
  readonly head: string;
  readonly body: string;
}

const root = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
const folder = `${root}/testdata/cli/golden`;

for (const name of readdirSync(folder).filter((each) => each.endsWith(".txt"))) {
  it(name, async () => {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    const parts = text
      .split(/^=== /m)
      .slice(1)
      .map((part): Part => ({ head: part.slice(0, part.indexOf("\n")), body: part.slice(part.indexOf("\n") + 1) }));
    const printed = await play(parts);
    const comment = text.slice(0, text.indexOf("=== "));
    if (process.env.BLESS === "1") writeFileSync(`${folder}/${name}`, comment + printed);
    else expect(comment + printed).toBe(text);
    expect(parts.some(({ head }) => head.startsWith("RUN "))).toBe(true);
  });
}

/** The case again, with what its commands print now. */
async function play(parts: readonly Part[]): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "tsbpf-golden-"));
  const placed = (text: string) => text.replaceAll("$DIR", dir).replaceAll("$ROOT", root);
  const unplaced = (text: string) => text.replaceAll(dir, "$DIR").replaceAll(root, "$ROOT");
  let out = "";
  try {
    for (const { head, body } of parts) {
      if (head.startsWith("FILE ")) {
        const path = join(dir, head.slice(5));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, body);
        out += `=== ${head}\n${body}`;
      } else if (head.startsWith("RUN ")) {
        const [, ...words] = batchLines(placed(head.slice(4)))[0]!.words;
        const result = await commandLine(...words);
        out += `=== ${head}\n${unplaced(result.out)}`;
        if (result.err !== "") out += `=== ERR\n${unplaced(result.err)}`;
        if (result.status !== 0) out += `=== STATUS ${result.status}\n`;
      }
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
  return out;
}
