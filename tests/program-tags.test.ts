import { readFileSync } from "node:fs";
import { Machine, readObject } from "@tsbpf/core";
import { Linux, type LinuxProgram } from "@tsbpf/linux";
import { expect, it } from "vitest";
import type { MachineProgram } from "../packages/core/src/machine/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const objects = ["examples/packet-counter/packet-counter", "examples/load-balancer/load-balancer"];

describeKernel("tags of programs", () => {
  for (const path of objects) {
    it(`are the kernel's: ${path}`, async () => {
      const spec = readObject(readFileSync(new URL(`../${path}.bpf.o`, import.meta.url)));
      using linux = await Linux.open();
      using machine = new Machine({ cpus: linux.cpus });
      using theirs = await linux.load(spec);
      using ours = await machine.load(spec);
      const names = Object.keys(ours.programs);
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const own = (ours.program(name) as unknown as MachineProgram).info();
        const { tag, name: shown, gplCompatible } = (theirs.program(name) as LinuxProgram).info();
        expect({ tag: own.tag, name: own.name, gplCompatible: own.gplCompatible }).toEqual({
          tag,
          name: shown,
          gplCompatible,
        });
      }
    });
  }
});
