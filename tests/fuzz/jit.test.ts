import { loadKernelTypes } from "@tsbpf/core/kernel-types";
import { expect, it } from "vitest";
import { describeKernel } from "../../packages/linux/src/testing/kernel.js";
import { JitComparison } from "../../scripts/fuzz/jit-case.mjs";

/** `npm run fuzz:jit` runs more of them. */
const PROGRAMS = 120;

function compareAll(comparison: JitComparison, first: number) {
  const differing: string[] = [];
  let [accepted, inKernel] = [0, 0];
  for (let seed = first; seed < first + PROGRAMS; seed++) {
    const { kind, kernel, details } = comparison.compare(seed);
    if (kind === "not_accepted" || kind === "not_supported") continue;
    accepted++;
    if (kernel) inKernel++;
    if (kind !== "agree" && kind !== "budget") differing.push(`seed ${seed}: ${kind}: ${details?.join("; ")}`);
  }
  return { differing, accepted, inKernel };
}

it("random verified programs do the same in the interpreter and in every mode of the JIT", async () => {
  const comparison = new JitComparison({ kernelTypes: await loadKernelTypes() });
  const { differing, accepted } = compareAll(comparison, 620_000);
  expect(differing).toEqual([]);
  expect(accepted).toBeGreaterThan(PROGRAMS / 4);
});

describeKernel("random verified programs", () => {
  it("do what they do in the kernel", async () => {
    const { runInKernel } = await import("../../scripts/fuzz/kernel-run.mjs");
    const comparison = new JitComparison({ kernelTypes: await loadKernelTypes(), kernel: runInKernel });
    const { differing, inKernel } = compareAll(comparison, 610_000);
    expect(differing).toEqual([]);
    expect(inKernel).toBeGreaterThan(PROGRAMS / 8);
  });
});
