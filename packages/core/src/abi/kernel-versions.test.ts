import { describe, expect, it } from "vitest";
import { attachTypesSince, hasSince, isKernelVersion, kernelVersions, limitsOfKernel } from "./kernel-versions.js";

describe("kernel versions", () => {
  it("are in order, each with what the ones before it have", () => {
    kernelVersions.forEach((kernel, index) => {
      const had = kernelVersions.filter((each) => hasSince(kernel, each));
      expect(had).toEqual(kernelVersions.slice(0, index + 1));
    });
    expect(hasSince("4.19", "3.19")).toBe(true);
    expect(isKernelVersion("6.18")).toBe(true);
    expect(isKernelVersion("6.19")).toBe(false);
  });

  it("are what the tables name", () => {
    expect(Object.values(attachTypesSince).filter((since) => !isKernelVersion(since))).toEqual([]);
  });

  it("loosen their limits, never tighten them", () => {
    let before = limitsOfKernel("4.19");
    for (const kernel of kernelVersions) {
      const limits = limitsOfKernel(kernel);
      for (const name of Object.keys(limits) as (keyof typeof limits)[]) {
        expect(Number(limits[name]), `${kernel} ${name}`).toBeGreaterThanOrEqual(Number(before[name]));
      }
      before = limits;
    }
  });
});
