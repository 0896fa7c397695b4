// Two results of `npm run bench -- --json` beside each other.
import { readFileSync } from "node:fs";

/** Slower by more than this counts as a regression: runs on a quiet machine differ by less. */
const TOLERANCE = 1.1;

/** Prints what became slower or faster; true where something is a regression. */
export function compareFiles(before, after) {
  const read = (path) =>
    new Map(JSON.parse(readFileSync(path, "utf8")).map((row) => [`${row.workload} | ${row.engine}`, row]));
  const [old, fresh] = [read(before), read(after)];
  let regressions = 0;
  for (const [key, row] of fresh) {
    const was = old.get(key);
    if (was === undefined) {
      console.log(`${key.padEnd(42)} new: ${row.ns} ns`);
      continue;
    }
    // Ratios to the kernel's time of the same run cancel what the machine did meanwhile; its own time varies too.
    const measure = row.ratio !== null && was.ratio !== null ? "ratio" : "ns";
    const change = row[measure] / was[measure];
    const slower = change > TOLERANCE && row.ns / was.ns > TOLERANCE;
    if (slower) regressions++;
    const note = slower ? "  REGRESSION" : change < 1 / TOLERANCE ? "  faster" : "";
    const times = `${was.ns} -> ${row.ns} ns`.padStart(26);
    console.log(`${key.padEnd(42)}${times}   ${measure} ${was[measure]} -> ${row[measure]}${note}`);
  }
  for (const key of old.keys()) if (!fresh.has(key)) console.log(`${key.padEnd(42)} gone`);
  console.log(regressions === 0 ? "no regressions" : `${regressions} regressions of more than 10 %`);
  return regressions > 0;
}
