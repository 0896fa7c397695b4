import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble, classifySlot, decodeSlots, instructionTable, OPCODE_LDDW } from "@tsbpf/core/isa";
import { Jit } from "@tsbpf/core/jit";
import { type Engine, type Executable, type Helper, Runtime } from "@tsbpf/core/runtime";
import { describe, expect, it } from "vitest";
import { type EngineVector, engineVectors } from "./engine-vectors.js";
import { verifiedFunction } from "./verified-function.js";

const ARENA_USER_START = { low: 0x1000, high: 0x7f00 };

function createRuntime(): Runtime {
  const runtime = new Runtime();
  const helper = (result: Helper["result"]): Helper => ({
    name: `minus_sum_${result}`,
    result,
    wide: false,
    run: (a1, a2) => {
      const value = -(a1 + a2);
      if (result === "wide") runtime.setRegister(0, value, 1);
      return value;
    },
  });
  for (const [index, result] of (["int", "uint", "wide"] as const).entries()) {
    runtime.helpers.define(5 + index, helper(result));
    runtime.kfuncs.define(5 + index, helper(result));
  }
  runtime.loadPacket = (skb, offset, size) => {
    const { context } = runtime.run;
    expect(skb).toBe(context.address);
    if (offset < 0 || offset + size > context.size) return 0;
    let value = 0;
    for (let at = 0; at < size; at++) value = value * 256 + runtime.memory.u8[context.address + offset + at]!;
    runtime.setRegister(0, value, 0);
    return 1;
  };
  return runtime;
}

function run(runtime: Runtime, engine: Engine, vector: EngineVector): bigint {
  const arena = runtime.memory.alloc(4096, 4096);
  runtime.regions.add({
    name: "arena",
    start: arena,
    length: 4096,
    stride: 4096,
    offset: 0,
    size: 4096,
    writable: true,
  });
  const bytes = Uint8Array.from((vector.memory ?? "00").match(/../g)!, (byte) => Number.parseInt(byte, 16));
  const executable: Executable = {
    name: vector.name,
    insns: assemble(vector.source),
    arena: { base: arena, userStart: ARENA_USER_START },
  };
  const image = engine.prepare(executable);
  const address = runtime.memory.allocBytes(bytes);
  const result = runtime.test(image, { address, size: bytes.length, packetStart: 0, packetEnd: 0 });
  image.close();
  runtime.memory.free(address);
  runtime.regions.remove(arena);
  runtime.memory.free(arena);
  if (result.kind !== "exit") throw new Error(result.kind === "fault" ? result.fault.message : "budget");
  return result.r0;
}

const engines: Record<string, (runtime: Runtime) => Engine> = {
  interpreter: (runtime) => new Interpreter(runtime),
  "checked JIT": (runtime) => new Jit(runtime),
  "checked JIT without WebAssembly tail calls": (runtime) => new Jit(runtime, { tailCalls: false }),
};

describe.each(Object.entries(engines))("engine vectors, %s", (_engine, create) => {
  const runtime = createRuntime();
  const engine = create(runtime);

  it.each(engineVectors.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    expect(run(runtime, engine, vector)).toBe(vector.result);
  });
});

describe.each([
  ["unchecked JIT", {}],
  ["unchecked JIT without WebAssembly tail calls", { tailCalls: false }],
])("engine vectors, %s", (_engine, options) => {
  it("agrees where the verifier accepts them as functions", () => {
    const runtime = createRuntime();
    const jit = new Jit(runtime, options);
    let accepted = 0;
    for (const { name, source, memory = "", result } of engineVectors) {
      const bytes = Uint8Array.from(memory.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []);
      if (/^(a helper|a kfunc|callx|map\[|btf\[|eight frames)/.test(name)) continue;
      const place = /acquire|release/.test(name) && bytes.length === 16 ? "stack" : "packet";
      const program = verifiedFunction(runtime, jit, assemble(source), bytes, place);
      if (program === undefined) continue;
      expect(program.run(), name).toBe(result);
      accepted++;
      program.close();
    }
    expect(accepted).toBeGreaterThan(160);
  });
});

it("have every instruction of the table in them", () => {
  const seen = new Set(
    engineVectors.flatMap(({ source }) => {
      const slots = decodeSlots(assemble(source));
      const rows = [];
      for (let slot = 0; slot < slots.length; slot++) {
        rows.push(classifySlot(slots, slot));
        if (slots.opcode[slot] === OPCODE_LDDW) slot++;
      }
      return rows;
    }),
  );
  const missing = instructionTable.filter((row) => !seen.has(row));
  expect(missing.map((row) => `${row.mnemonic} ${row.operands}`)).toEqual([]);
});
