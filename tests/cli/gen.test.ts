import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseBtf, readObject, relocateForTarget } from "@tsbpf/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { bpftool, describeWithBpftool, mustBpftool, privateBpffs } from "./kernel-state.js";

const testdata = new URL("../../testdata/", import.meta.url).pathname;
const halves = [`${testdata}cli/linked-first.bpf.o`, `${testdata}cli/linked-second.bpf.o`];
const vmlinux = "/sys/kernel/btf/vmlinux";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tsbpf-gen-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function ok(...words: string[]): Promise<string> {
  const { status, out, err } = await commandLine(...words);
  expect([words, status, err]).toEqual([words, 0, ""]);
  return out;
}

describeWithBpftool("gen object", () => {
  it("gives what bpftool's linker gives: instructions and types, and the kernel takes it", async () => {
    const [ours, theirs] = [join(folder, "ours.o"), join(folder, "theirs.o")];
    await ok("gen", "object", ours, ...halves);
    mustBpftool("gen", "object", theirs, ...halves);
    expect(await ok("-j", "disasm", ours)).toBe((await ok("-j", "disasm", theirs)).replaceAll(theirs, ours));
    const types = (file: string) => mustBpftool("btf", "dump", "file", file, "format", "c");
    expect(types(ours)).toBe(types(theirs));
    const bpffs = privateBpffs();
    // libbpf 1.1 forgets the place of a map that one object takes from another, and cannot load what it linked itself.
    mustBpftool("prog", "loadall", ours, `${bpffs}/ours`);
    const loaded = JSON.parse(mustBpftool("-j", "prog", "dump", "xlated", "pinned", `${bpffs}/ours/first`));
    expect(loaded.some(({ proto }: { proto?: string }) => proto?.startsWith("int classify("))).toBe(true);
  });
});

describe("gen object", () => {
  it("says in one line what does not go together", async () => {
    const { status, err } = await commandLine("gen", "object", join(folder, "no.o"), halves[0]!, halves[0]!);
    expect(status).toBe(1);
    expect(err).toMatch(/^tsbpf: 'first' is defined in \S+ and in \S+\n$/);
    const missing = await commandLine("gen", "object", join(folder, "no.o"));
    expect([missing.status, missing.err]).toEqual([2, "tsbpf: gen object: INPUT_FILE is missing\n"]);
  });
});

describeWithBpftool("gen min_core_btf", () => {
  for (const path of ["core/task.clang-22.o", "objects/relocations.clang-19.o"]) {
    it(`${path}: relocates as against bpftool's, and as against the kernel's types`, async () => {
      const [ours, theirs] = [join(folder, "ours.btf"), join(folder, "theirs.btf")];
      await ok("gen", "min_core_btf", vmlinux, ours, testdata + path);
      mustBpftool("gen", "min_core_btf", vmlinux, theirs, testdata + path);
      expect(bpftool("btf", "dump", "file", ours).status).toBe(0);
      const { programs, btf } = readObject(new Uint8Array(readFileSync(testdata + path)));
      const relocated = (file: string) => {
        const target = parseBtf(new Uint8Array(readFileSync(file)));
        return [...programs.values()].map((program) => relocateForTarget(program, btf!, target).program.insns);
      };
      expect(relocated(ours)).toEqual(relocated(theirs));
      expect(relocated(ours)).toEqual(relocated(vmlinux));
    });
  }
});
