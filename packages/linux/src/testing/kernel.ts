import { describe, type SuiteAPI } from "vitest";
import { kernelProblem } from "../availability.js";

/**
 * `describe` for tests that need the real kernel: without root or bpf(2) they are skipped with the reason in the suite's
 * name, but not on CI, where they have to run.
 */
export function describeKernel(name: string, suite: () => void): ReturnType<SuiteAPI> {
  const problem = kernelProblem();
  if (problem === undefined) return describe(name, suite);
  if (process.env.CI !== undefined && process.env.CI !== "false" && process.getuid?.() === 0) {
    return describe(name, () => {
      throw new Error(`the kernel tests must run on CI: ${problem}`);
    });
  }
  return describe.skip(`${name} (skipped: ${problem})`, suite);
}
