import { Interpreter } from "@tsbpf/core/interpreter";
import { defaultJitSettings, Jit } from "@tsbpf/core/jit";
import { type Engine, Runtime } from "@tsbpf/core/runtime";
import { afterAll, describe, expect, inject, it } from "vitest";
import type { ConformanceCase } from "../scripts/conformance-cases.js";
import { verifiedFunction } from "./verified-function.js";

// The public bpf_conformance suite's cases, as data in the shared folder.
const { cases, negative } = inject("conformance");
const absent = cases.length === 0;

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** Runs a case as the suite does: r1 is the memory, r2 its length, and there is a helper 5. */
function runCase(runtime: Runtime, engine: Engine, { case: name, insns, mem }: ConformanceCase): bigint {
  const bytes = bytesOfHex(mem);
  const setLength = bytesOfHex(`b7020000${bytes.length.toString(16).padStart(2, "0")}000000`);
  const image = engine.prepare({ name, insns: Uint8Array.from([...setLength, ...bytesOfHex(insns)]) });
  const address = bytes.length === 0 ? 0 : runtime.memory.allocBytes(bytes);
  const result = runtime.test(image, { address, size: bytes.length, packetStart: 0, packetEnd: 0 });
  image.close();
  if (address !== 0) runtime.memory.free(address);
  if (result.kind !== "exit") throw new Error(result.kind === "fault" ? result.fault.message : result.kind);
  return result.r0;
}

const engines: Record<string, (runtime: Runtime) => Engine> = {
  interpreter: (runtime) => new Interpreter(runtime),
  "checked JIT": (runtime) => new Jit(runtime),
  "checked JIT without WebAssembly tail calls": (runtime) => new Jit(runtime, { tailCalls: false }),
  "checked JIT with blinded constants": (runtime) =>
    new Jit(runtime, { settings: { ...defaultJitSettings(), harden: 2 } }),
};

describe.skipIf(absent).each(Object.entries(engines))(
  "bpf_conformance, %s (needs the shared folder)",
  (engineName, create) => {
    const runtime = new Runtime();
    runtime.helpers.define(5, { name: "ktime_get_ns", result: "int", wide: false, run: () => 0 });
    const engine = create(runtime);
    let passed = 0;

    it.each(cases.map((each) => [each.case, each] as const))("%s", (_name, each) => {
      expect(each.error).toBe("");
      expect(runCase(runtime, engine, each)).toBe(BigInt(each.result));
      passed++;
    });

    it("leaks nothing", () => {
      const before = runtime.memory.stats.bytes;
      for (const each of cases.slice(0, 50)) runCase(runtime, engine, each);
      expect(runtime.memory.stats.bytes).toBe(before);
    });

    it("refuses what the suite's negative cases encode wrongly", () => {
      expect(negative).toHaveLength(45);
      for (const { name, insns } of negative) {
        expect(() => engine.prepare({ name, insns: bytesOfHex(insns) }), name).toThrow(
          expect.objectContaining({ code: "INVALID_PROGRAM" }),
        );
      }
    });

    afterAll(() => {
      console.log(`bpf_conformance, ${engineName}: ${passed} of ${cases.length} cases passed`);
      expect(passed).toBe(313);
    });
  },
);

describe.skipIf(absent).each([
  ["unchecked JIT", {}],
  ["unchecked JIT without WebAssembly tail calls", { tailCalls: false }],
])("bpf_conformance, %s (needs the shared folder)", (engineName, options) => {
  it("passes every case that the verifier accepts", () => {
    const runtime = new Runtime();
    runtime.helpers.define(5, { name: "ktime_get_ns", result: "int", wide: false, run: () => 0 });
    const jit = new Jit(runtime, options);
    let [passed, wrong] = [0, [] as string[]];
    for (const { case: name, insns, mem, result } of cases) {
      const program = verifiedFunction(runtime, jit, bytesOfHex(insns), bytesOfHex(mem));
      if (program === undefined) continue;
      if (program.run() === BigInt(result)) passed++;
      else wrong.push(name);
      program.close();
    }
    console.log(`bpf_conformance, ${engineName}: ${passed} of ${cases.length} cases are accepted and passed`);
    expect(wrong).toEqual([]);
    expect(passed).toBeGreaterThan(200);
  });
});
