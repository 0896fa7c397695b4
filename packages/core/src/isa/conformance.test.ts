import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AssembleError } from "../base/index.js";
import { assemble } from "./assemble.js";
import { classifyInstruction } from "./classify.js";
import { checkEncoding } from "./encoding.js";
import { decodeInstructions } from "./instruction.js";
import type { IsaVersion } from "./row.js";
import { instructionTable } from "./table.js";

const folder = join(process.env.TSBPF_SHARED ?? join(process.cwd(), "../shared"), "conformance");
const absent = !existsSync(folder);

interface Case {
  readonly case: string;
  readonly isa: IsaVersion;
  readonly insns: string;
}

/** Lines of one part of a case file; the others are blank, so that line numbers stay. */
function part(text: string, name: string): string {
  let inPart = false;
  const lines = text.split("\n").map((line) => {
    if (line.startsWith("-- ") && /^-- \w+$/.test(line.trim())) {
      inPart = line.trim() === `-- ${name}`;
      return "";
    }
    return inPart ? line : "";
  });
  return lines.join("\n");
}

const unhex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (byte) => Number.parseInt(byte, 16));

describe.skipIf(absent)(`the conformance suite's case files${absent ? " (skipped: no shared folder)" : ""}`, () => {
  const cases = absent
    ? []
    : readFileSync(join(folder, "cases.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Case);

  it("assemble to the suite's own bytes, 313 of 313", () => {
    let same = 0;
    for (const { case: name, insns } of cases) {
      const source = part(readFileSync(join(folder, "tests", name), "utf8"), "asm");
      expect(assemble(source), name).toEqual(unhex(insns));
      same++;
    }
    expect(same).toBe(313);
  });

  it("have the ISA level and group that the table says, and valid encodings", () => {
    const levels = ["v1", "v2", "v3", "v4"];
    for (const { case: name, isa, insns } of cases) {
      const instructions = decodeInstructions(unhex(insns));
      const rows = instructions.map((instruction) => classifyInstruction(instruction)!);
      const level = Math.max(...rows.map((row) => levels.indexOf(row.isa)));
      // The suite counts atomic additions and local calls as v3, where its compiler first used them.
      const counted = rows.some((row) => row.kind === "atomic" || row.mnemonic === "call local")
        ? Math.max(level, 2)
        : level;
      expect(levels[counted], name).toBe(isa);
      for (const instruction of instructions) expect(checkEncoding(instruction), name).toBeUndefined();
    }
  });

  it("are refused where they are wrong", () => {
    let refused = 0;
    for (const name of readdirSync(join(folder, "negative")).filter((file) => /^invalid.*\.data$/.test(file))) {
      const text = readFileSync(join(folder, "negative", name), "utf8");
      expect(() => assemble(part(text, "asm")), name).toThrow(AssembleError);
      refused++;
    }
    expect(refused).toBe(11);
  });

  it("are found out where unused fields are not zero", () => {
    const rfc = new Set(instructionTable.map((row) => row.group).filter((group) => group !== "linux"));
    let found = 0;
    for (const name of readdirSync(join(folder, "negative")).filter((file) => file.startsWith("unused-"))) {
      const raw = part(readFileSync(join(folder, "negative", name), "utf8"), "raw");
      const problems = decodeInstructions(unhex(raw)).map((instruction) => checkEncoding(instruction, rfc));
      // A move with an offset is unused-mov64_reg-offset to the RFC and addr_space_cast to Linux.
      expect(["reserved_field", "unknown_variant", "unsupported_group"], name).toContain(
        problems.find((problem) => problem !== undefined)?.code,
      );
      found++;
    }
    expect(found).toBe(45);
  });
});
