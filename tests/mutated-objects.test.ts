import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readObject } from "@tsbpf/core/object";
import { expect, it } from "vitest";
import { compareProgram } from "../packages/cli/src/verify/compare.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const root = fileURLToPath(new URL("../testdata/", import.meta.url));

interface Mutation {
  readonly file: string;
  readonly program: string;
  /** Bytes of the instructions, as they are in place of the compiler's. */
  readonly edits: Readonly<Record<number, number>>;
}

/** Changes to compiled programs on which the verifier once differed from the kernel; `npm run fuzz:objects` finds them. */
const mutations: Readonly<Record<string, Mutation>> = {
  "a buffer that may be null is read": {
    file: "kernel/iterators.bpf.o",
    program: "walk_storage",
    edits: { 12: 32 },
  },
};

describeKernel("the kernel's verdict on mutations of committed objects", () => {
  it.each(Object.entries(mutations))("%s", async (_, { file, program: name, edits }) => {
    const object = readObject(new Uint8Array(readFileSync(root + file)), { name: file });
    const program = object.programs.get(name)!;
    const insns = program.insns.slice();
    for (const [at, byte] of Object.entries(edits)) insns[Number(at)] = byte;
    const { machine, kernel, differences } = await compareProgram(
      file,
      object,
      { ...program, insns },
      {
        host: "machine",
        logLevel: 0,
      },
    );
    expect({ differences, machine: machine.message, kernel: kernel.message }).toMatchObject({ differences: [] });
    expect(kernel.processed).not.toBeNull();
  });
});
