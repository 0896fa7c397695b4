import type { Reporter, TestModule } from "vitest/node";

/**
 * Skipped is not passed: prints every skipped test, whose name or note says why, and closes with one line of counts.
 * On CI, which has root, bpf(2), clang and the shared folder, a skip that `expectedOnCi` doesn't name fails the run.
 */
export default class SkipReporter implements Reporter {
  readonly #expectedOnCi: readonly RegExp[];

  constructor(options: { expectedOnCi?: readonly RegExp[] } = {}) {
    this.#expectedOnCi = options.expectedOnCi ?? [];
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      if (module.state() === "failed" && module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "pending") continue;
        counts[result.state]++;
        if (result.state === "skipped") skipped.push(`${test.fullName}${result.note ? ` (${result.note})` : ""}`);
      }
    }
    for (const name of skipped) console.log(`skipped: ${name}`);
    if (process.env.CI === "true") {
      const unexpected = skipped.filter((name) => !this.#expectedOnCi.some((pattern) => pattern.test(name)));
      if (unexpected.length > 0) {
        console.error(`${unexpected.length} tests were skipped on CI without being expected to be`);
        process.exitCode = 1;
      }
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}
