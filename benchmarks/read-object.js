// Time to read an object of 5,418 instructions with full BTF into specs, in processes that have just started (nothing is
// compiled yet) and in one that has done it before. Medians in milliseconds; 50 ms cold is the figure to stay under.
//
//     npm run build && node benchmarks/read-object.js [--json OUT] [OBJECT]
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readObject } from "@tsbpf/core/object";

const ROUNDS = 21;
const self = fileURLToPath(import.meta.url);
const jsonAt = process.argv.indexOf("--json");
const output = jsonAt < 0 ? undefined : process.argv[jsonAt + 1];
const named = process.argv.slice(2).find((argument) => argument.endsWith(".o"));
const object = named ?? fileURLToPath(new URL("../testdata/objects/large.o", import.meta.url));

function readOnce() {
  const bytes = readFileSync(object);
  const start = performance.now();
  readObject(bytes, { name: object });
  return performance.now() - start;
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

if (process.argv.includes("--once")) {
  console.log(readOnce());
} else {
  const cold = median(
    Array.from({ length: ROUNDS }, () => Number(spawnSync(process.execPath, [self, "--once", object]).stdout)),
  );
  for (let i = 0; i < 20; i++) readOnce();
  const warm = median(Array.from({ length: ROUNDS }, readOnce));
  console.log(`cold ${cold.toFixed(1)} ms, warm ${warm.toFixed(1)} ms`);
  const rows = [
    ["read object, cold", cold],
    ["read object, warm", warm],
  ].map(([workload, ms]) => ({
    workload,
    engine: "object",
    ns: Math.round(ms * 1e6),
    kernel_ns: null,
    ratio: null,
    net_ratio: null,
  }));
  if (output !== undefined) writeFileSync(output, `${JSON.stringify(rows, null, 2)}\n`);
}
