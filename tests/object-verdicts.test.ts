import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readObject } from "@tsbpf/core";
import { expect, it } from "vitest";
import { compareProgram } from "../packages/cli/src/verify/compare.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const files = ["testdata/", "examples/"].flatMap((folder) =>
  readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".o"))
    .map((name) => folder + name),
);

/** What is known to differ, and why. */
const known: Readonly<Record<string, readonly string[]>> = {
  // bpf_snprintf's formats are not judged: no verdict.
  "testdata/helpers/numbers.bpf.o": ["verdict"],
  // The kernel's loader fills .kconfig with what this kernel is, and the kernel takes it for constants.
  "testdata/kernel/usdt.bpf.o": ["processed", "states"],
  "testdata/objects/externs.clang-14.o": ["processed", "states"],
  "testdata/objects/externs.clang-19.o": ["processed", "states"],
  "testdata/objects/externs.clang-22.o": ["processed", "states"],
};

describeKernel("the kernel's verdict on every committed object", () => {
  it.each(files)("%s", async (file) => {
    const object = readObject(new Uint8Array(readFileSync(root + file)), { name: file });
    for (const program of object.programs.values()) {
      const { machine, kernel, differences } = await compareProgram(file, object, program, {
        host: "machine",
        logLevel: 0,
      });
      // The loader refuses what the kernel never sees: another byte order, maps that this machine cannot make.
      if (kernel.processed === null) continue;
      const unexpected = differences.filter((difference) => known[file]?.includes(difference) !== true);
      const messages = { machine: machine.message, kernel: kernel.message };
      expect({ program: program.name, unexpected, ...messages }).toMatchObject({ unexpected: [] });
      expect(machine.verdict === "accepted" && kernel.verdict === "rejected", program.name).toBe(false);
    }
  });
});
