#!/usr/bin/env node
// Runs the fuzz tests of tests/fuzz for a while instead of for their short fixed-seed run.
//
//     npm run fuzz                      five minutes
//     npm run fuzz -- 60 [PATTERN]      60 seconds for each test whose file matches
//
// A failure names the seed; TSBPF_FUZZ_SEED=N repeats it.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [seconds = "300", pattern = "tests/fuzz"] = process.argv.slice(2);
const { status } = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", pattern], {
  cwd: root,
  env: { ...process.env, TSBPF_FUZZ_SECONDS: seconds },
  stdio: "inherit",
});
process.exit(status ?? 1);
