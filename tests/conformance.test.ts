import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Interpreter } from "@tsbpf/core/interpreter";
import { defaultJitSettings, Jit } from "@tsbpf/core/jit";
import { type Engine, Runtime } from "@tsbpf/core/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { sharedFile } from "../packages/linux/src/testing/shared-folder.js";
import { verifiedFunction } from "./verified-function.js";

// The public bpf_conformance suite's cases, as data in the shared folder.
const file = sharedFile("conformance/cases.jsonl");

interface Case {
  readonly case: string;
  readonly isa: string;
  readonly mem: string;
  readonly insns: string;
  readonly result: string;
  readonly error: string;
}

const cases: Case[] =
  file === undefined
    ? []
    : readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Case);

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** Runs a case as the suite does: r1 is the memory, r2 its length, and there is a helper 5. */
function runCase(runtime: Runtime, engine: Engine, { case: name, insns, mem }: Case): bigint {
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

describe.skipIf(file === undefined).each(Object.entries(engines))(
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
      const folder = sharedFile("conformance/negative")!;
      const files = readdirSync(folder).filter((name) => name.startsWith("unused-"));
      expect(files).toHaveLength(45);
      for (const name of files) {
        const raw = /-- raw\n((?:[0-9a-f ]+\n)+)/.exec(readFileSync(join(folder, name), "utf8"))![1]!;
        expect(() => engine.prepare({ name, insns: bytesOfHex(raw.replace(/\s/g, "")) }), name).toThrow(
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

describe.skipIf(file === undefined)("bpf_conformance, unchecked JIT (needs the shared folder)", () => {
  it("passes every case that the verifier accepts", () => {
    const runtime = new Runtime();
    runtime.helpers.define(5, { name: "ktime_get_ns", result: "int", wide: false, run: () => 0 });
    const jit = new Jit(runtime);
    let [passed, wrong] = [0, [] as string[]];
    for (const { case: name, insns, mem, result } of cases) {
      const program = verifiedFunction(runtime, jit, bytesOfHex(insns), bytesOfHex(mem));
      if (program === undefined) continue;
      if (program.run() === BigInt(result)) passed++;
      else wrong.push(name);
      program.close();
    }
    console.log(`bpf_conformance, unchecked JIT: ${passed} of ${cases.length} cases are accepted and passed`);
    expect(wrong).toEqual([]);
    expect(passed).toBeGreaterThan(200);
  });
});
