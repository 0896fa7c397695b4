#!/usr/bin/env node
// The core's tests in headless Chromium: npm run test:browser [-- VITEST ARGUMENTS]
//
// Where Chromium is missing or doesn't start, this says so and ends well; a test that fails there fails this.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { chromiumProblem } from "./chromium.mjs";

const problem = await chromiumProblem();
if (problem !== undefined) {
  console.log(`skipped: engines in Chromium: ${problem}`);
} else {
  const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
  const args = [vitest, "run", "--config", "vitest.browser.config.ts", ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
}
