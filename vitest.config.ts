import { defineConfig } from "vitest/config";
import { readConformance } from "./scripts/conformance-cases.ts";
import SkipReporter from "./scripts/skip-reporter.ts";

export default defineConfig({
  // Tests run against the sources, not against dist: no build is needed before them.
  resolve: {
    conditions: ["tsbpf-source"],
    // The scripts that tests share import what is built.
    alias: [
      {
        find: /^(?:\.\.\/)+packages\/(core|linux)\/dist\/(.*)\.js$/,
        replacement: `${import.meta.dirname}/packages/$1/src/$2.ts`,
      },
    ],
  },
  ssr: { resolve: { conditions: ["tsbpf-source", "module", "node", "development|production"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts"],
    provide: { conformance: readConformance() },
    testTimeout: 30_000,
    pool: "threads",
    reporters: ["default", new SkipReporter({ expectedOnCi: [/not on this kernel/] })],
  },
});
