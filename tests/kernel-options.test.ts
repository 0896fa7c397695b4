import { readFileSync } from "node:fs";
import { builtWithout, kfuncs, mapTypes, type ProgramType, parseBtf, programTypes } from "@tsbpf/core";
import { probeMapType, probeProgramType, readKernelConfig } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

// Security modules may refuse these whatever the kernel is built with.
const guarded: ReadonlySet<ProgramType> = new Set(["tracing", "ext", "lsm"]);

const config = readKernelConfig();
const reason = config === undefined ? " (it doesn't tell its configuration)" : "";

describeKernel("what the running kernel is built without", () => {
  describe.skipIf(config === undefined)(`follows from its configuration${reason}`, () => {
    const missing = builtWithout(config ?? new Map());

    it("for program types", () => {
      for (const { name } of programTypes.filter(({ name }) => !guarded.has(name))) {
        expect([name, missing.programType(name) === undefined]).toEqual([name, probeProgramType(name)]);
      }
    });

    it("for map types", () => {
      for (const { name } of mapTypes) {
        expect([name, missing.mapType(name) === undefined]).toEqual([name, probeMapType(name)]);
      }
    });

    it("for kernel functions", () => {
      const types = parseBtf(new Uint8Array(readFileSync("/sys/kernel/btf/vmlinux")));
      for (const { name } of kfuncs) {
        if (missing.kfunc(name) !== undefined) expect(types.find(name, "func"), name).toEqual([]);
      }
    });
  });
});
