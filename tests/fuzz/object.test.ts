import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FormatError, NotSupportedError, type ObjectSpec, readObject } from "@tsbpf/core";
import { expect, it } from "vitest";
import { fuzz } from "./budget.js";
import { mutate, mutateSections } from "./mutation.js";

const folder = fileURLToPath(new URL("../../testdata/objects/", import.meta.url));
const objects = readdirSync(folder)
  .filter((name) => name.endsWith(".o"))
  .sort()
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(folder + name)) }));

/** What every consumer of a spec relies on. */
function checkSpec(spec: ObjectSpec): void {
  for (const program of [...spec.programs.values(), ...spec.untyped.values()]) {
    const slots = program.insns.length / 8;
    expect(Number.isInteger(slots) && slots > 0).toBe(true);
    expect(program.functions[0]!.slot).toBe(0);
    for (const records of [program.references, program.functions, program.lines, program.coreRelocations]) {
      let before = -1;
      for (const { slot } of records) {
        if (!(slot > before && slot < slots)) throw new Error(`slot ${slot} after ${before} of ${slots}`);
        before = slot;
      }
    }
    for (const reference of program.references) {
      if ("map" in reference && !spec.maps.has(reference.map)) throw new Error(`no map ${reference.map}`);
    }
  }
  for (const map of spec.maps.values()) {
    for (const { value } of map.contents) {
      if (value instanceof Uint8Array) continue;
      if ("map" in value && !spec.maps.has(value.map)) throw new Error(`no map ${value.map}`);
      if ("program" in value && !spec.programs.has(value.program) && !spec.untyped.has(value.program)) {
        throw new Error(`no program ${value.program}`);
      }
    }
  }
  for (const variable of spec.variables.values()) expect(variable.get().length).toBe(variable.size);
}

it("reads mutated objects into sound specs, or says what is wrong with them", { timeout: 24 * 3_600_000 }, () => {
  const outcomes = new Map<string, number>();
  fuzz(4000, (random, seed) => {
    const { name, bytes } = random.pick(objects);
    const mutant = random.below(3) === 0 ? mutateSections(bytes, random) : mutate(bytes, random);
    const start = performance.now();
    let outcome = "read";
    try {
      checkSpec(readObject(mutant, { name }));
    } catch (error) {
      if (!(error instanceof FormatError) && !(error instanceof NotSupportedError)) {
        throw new Error(`${name} with seed ${seed}: ${error}`, { cause: error });
      }
      outcome = error.code;
    }
    const took = performance.now() - start;
    if (took > 10_000) throw new Error(`${name} with seed ${seed} took ${took.toFixed(0)} ms`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  });
  // Mutants that are all refused at the first check, or all read, would test nothing.
  expect(outcomes.get("read")).toBeGreaterThan(0);
  expect(outcomes.get("FORMAT")).toBeGreaterThan(0);
});
