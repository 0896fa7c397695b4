import { readFileSync } from "node:fs";
import { assembleObject } from "@tsbpf/core";
import { describe, expect, it } from "vitest";

const page = readFileSync(new URL("../docs/assembly.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/```asm\n(.*?)```/gs)].map((match) => match[1]!);

describe("docs/assembly.md", () => {
  it("has examples that assemble", () => {
    expect(blocks.length).toBe(3);
    const helpers = new Map([["bpf_map_lookup_elem", 1]]);
    const objects = blocks.map((block) => assembleObject(block, { helpers }));
    expect(objects.map(({ sections }) => sections.map(({ bytes }) => bytes.length))).toEqual([
      [21 * 8],
      [14 * 8],
      [11 * 8, 4],
    ]);
  });
});
