import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { launchOptions } from "./scripts/chromium.mjs";
import { readConformance } from "./scripts/conformance-cases.ts";
import SkipReporter from "./scripts/skip-reporter.ts";

const rooms = "base,isa,abi,wasm,maps,runtime,interpreter,jit,packet,host,verifier,machine";

// The same tests as in Node, less those that read files.
export default defineConfig({
  resolve: { conditions: ["tsbpf-source"] },
  // With both, a page may share memory.
  server: { headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" } },
  test: {
    include: [
      `packages/core/src/{${rooms}}/**/*.test.ts`,
      "tests/conformance.test.ts",
      "tests/engine-*.test.ts",
      "tests/engines.test.ts",
      "tests/jit-*.test.ts",
    ],
    exclude: [
      "packages/core/src/isa/conformance.test.ts",
      "packages/core/src/machine/kernel-objects.test.ts",
      "tests/engine-vectors-kernel.test.ts",
    ],
    provide: { conformance: readConformance() },
    testTimeout: 60_000,
    reporters: ["default", new SkipReporter()],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions }),
      instances: [{ browser: "chromium" }],
    },
  },
});
