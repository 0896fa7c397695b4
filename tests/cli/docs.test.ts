import { readFileSync } from "node:fs";
import { kernelProblem } from "@tsbpf/linux";
import { afterAll, describe, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { bless, documentedCommands, isAsDocumented } from "./documented-commands.js";

// The commands of the pages, run in the repository's root: they have to print what the pages show. `BLESS=1` writes what
// they print now into the pages.

const root = new URL("../../", import.meta.url).pathname;
const pages = ["test-without-root", "replay-a-capture", "why-the-kernel-says-no", "write-a-loader", "from-bpftool"];
const problem = kernelProblem();

for (const name of pages) {
  const path = `${root}docs/${name}.md`;
  const page = readFileSync(path, "utf8");
  const outputs = new Map<string, string>();

  describe(`docs/${name}.md`, () => {
    afterAll(() => {
      if (process.env.BLESS === "1") bless(path, outputs);
    });

    for (const { line, words, output, kernel } of documentedCommands(page)) {
      const skipped = kernel && problem !== undefined;
      it.skipIf(skipped)(`${line}${skipped ? ` (skipped: ${problem})` : ""}`, async () => {
        expect(words[0]).toBe("tsbpf");
        const { out, err } = await commandLine(...words.slice(1));
        const printed = (out + err).trimEnd().replace(/[ \t]+$/gm, "");
        outputs.set(line, printed);
        if (process.env.BLESS !== "1" && !isAsDocumented(output, printed)) expect(printed).toBe(output);
      });
    }

    it("shows code that is in the repository", () => {
      for (const [, file, code] of page.matchAll(/^<!-- from (\S+) -->\n```\w+\n([\s\S]*?)^```$/gm)) {
        expect(readFileSync(root + file, "utf8")).toContain(code);
      }
      expect(documentedCommands(page).length).toBeGreaterThan(0);
    });
  });
}
