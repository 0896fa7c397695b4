import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readObject } from "@tsbpf/core";
import { expect, it } from "vitest";
import { compareProgram } from "../packages/cli/src/verify/compare.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const files = ["testdata/", "examples/"].flatMap((folder) =>
  readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    // linked-*.o are halves of an object, which the static linker's tests put together.
    .filter((name) => name.endsWith(".o") && !name.includes("linked-"))
    .map((name) => folder + name),
);

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
      const messages = { machine: machine.message, kernel: kernel.message };
      expect({ program: program.name, differences, ...messages }).toMatchObject({ differences: [] });
      expect(machine.verdict === "accepted" && kernel.verdict === "rejected", program.name).toBe(false);
    }
  });
});
