import { readFileSync } from "node:fs";
import { type Host, Machine, readObject } from "@tsbpf/core";
import { loadKernelTypes } from "@tsbpf/core/kernel-types";
import { Linux } from "@tsbpf/linux";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const bytes = readFileSync(new URL("../testdata/machine/kernel.bpf.o", import.meta.url));
const kernelTypes = await loadKernelTypes();

/** What a program found out, in the numbers that it leaves. */
async function results(host: Host, program: string): Promise<{ retval: number; results: unknown }> {
  const spec = readObject(bytes);
  using object = await host.load(spec, { programs: [program] });
  object.variables.wanted_pid!.set(process.pid);
  const { retval } = object.program(program).testRun();
  return { retval, results: object.variables.results!.get() };
}

describeKernel("kernel functions and helpers of syscall programs", () => {
  let linux: Linux;
  beforeAll(async () => {
    linux = await Linux.open();
  });
  afterAll(() => linux.close());

  for (const program of ["cpumasks", "storage", "tasks", "per_cpu"]) {
    for (const engine of ["jit", "interpreter"] as const) {
      it(`${program} finds in the Machine (${engine}) what it finds in the kernel`, async () => {
        const task = { pid: process.pid, tgid: process.pid, comm: "node" };
        using machine = new Machine({ cpus: linux.cpus, kernelTypes, engine, task });
        const theirs = await results(linux, program);
        expect(await results(machine, program)).toEqual(theirs);
        expect(theirs.retval).toBe(0);
      });
    }
  }
});
