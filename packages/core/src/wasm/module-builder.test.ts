import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type FunctionBuilder,
  I32,
  I64,
  i32,
  i64,
  instantiate,
  LinearMemory,
  ModuleBuilder,
  type Operator,
  type WasmApi,
  type WasmFunction,
  type WasmInstance,
  type WasmTable,
  wasmFeatures,
  webAssembly,
} from "./index.js";

function exported(instance: WasmInstance, name: string): WasmFunction {
  return instance.exports[name] as WasmFunction;
}

/** A module of one exported function of i32s. */
function compile<Name extends string>(
  params: { readonly [P in Name]: typeof I32 },
  body: (f: FunctionBuilder<Name>) => void,
): WasmFunction {
  const module = new ModuleBuilder();
  const f = module.function("f", params, [I32]);
  body(f);
  module.exportFunction("f", f);
  return exported(instantiate(module.finish()), "f");
}

describe("ModuleBuilder", () => {
  it("writes constants of every size", () => {
    const halves = fc.tuple(
      fc.oneof(fc.integer(), fc.integer({ min: -200, max: 200 })),
      fc.oneof(fc.integer(), fc.constantFrom(0, -1)),
    );
    fc.assert(
      fc.property(fc.array(halves, { minLength: 1, maxLength: 50 }), (constants) => {
        const module = new ModuleBuilder();
        constants.forEach(([low, high], at) => {
          const wide = module.function(`wide${at}`, {}, [I64]);
          module.exportFunction(`wide${at}`, wide.i64(low, high));
          const narrow = module.function(`narrow${at}`, {}, [I32]);
          module.exportFunction(`narrow${at}`, narrow.i32(low));
        });
        const instance = instantiate(module.finish());
        constants.forEach(([low, high], at) => {
          const expected = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
          expect(exported(instance, `wide${at}`)()).toBe(expected);
          expect(exported(instance, `narrow${at}`)()).toBe(low);
        });
      }),
      { numRuns: 30 },
    );
  });

  it("nests blocks and loops by label", () => {
    // Sum of the odd numbers below n that are no multiple of 3.
    const f = compile({ n: I32 }, (f) => {
      const at = f.local(I32, "at");
      const sum = f.local(I32, "sum");
      f.block((done) => {
        f.loop((next) => {
          f.get(at).get(f.params.n).op(i32.ge_u).brIf(done);
          f.block((skip) => {
            f.get(at).i32(1).op(i32.and).op(i32.eqz).brIf(skip);
            f.get(at).i32(3).op(i32.rem_u).op(i32.eqz).brIf(skip);
            f.get(sum).get(at).op(i32.add).set(sum);
          });
          f.get(at).i32(1).op(i32.add).set(at).br(next);
        });
      });
      f.get(sum);
    });
    expect(f(20)).toBe(1 + 5 + 7 + 11 + 13 + 17 + 19);
  });

  it("dispatches through br_table and has ifs with results", () => {
    const f = compile({ x: I32 }, (f) => {
      const otherwise = f.openBlock();
      const one = f.openBlock();
      const zero = f.openBlock();
      f.get(f.params.x).brTable([zero, one], otherwise);
      f.end().i32(100).return();
      f.end().i32(101).return();
      f.end();
      f.get(f.params.x)
        .i32(50)
        .op(i32.gt_u)
        .if(
          () => f.i32(7),
          () => f.i32(8),
          I32,
        );
    });
    expect([0, 1, 2, 51].map((x) => f(x))).toEqual([100, 101, 8, 7]);
  });

  it("imports memory, functions, globals and tables, and calls through elements", () => {
    const memory = new LinearMemory();
    const address = memory.alloc(64);
    const { Global, Table } = webAssembly();
    const cpu = new Global({ value: "i32", mutable: true }, 3);
    const base = new Global({ value: "i32", mutable: false }, address);
    const table = new Table({ element: "anyfunc", initial: 4 });
    const seen: number[] = [];

    const module = new ModuleBuilder("everything");
    module.importMemory("env", "memory", { minimum: 1 });
    const note = module.importFunction("env", "note", [I32], []);
    const cpuGlobal = module.importGlobal("env", "cpu", I32, true);
    const baseGlobal = module.importGlobal("env", "base", I32);
    const tableIndex = module.importTable("env", "table", { minimum: 4 });
    const counter = module.global(I32, 41, true);
    const wide = module.global(I64, { low: 1, high: 2 });
    const binary = module.signature([I32, I32], [I32]);
    expect(module.signature([I32, I32], [I32])).toBe(binary);

    const add = module.function("add", { a: I32, b: I32 }, [I32]);
    add.get(add.params.a).get(add.params.b).op(i32.add);
    const sub = module.function("sub", { a: I32, b: I32 }, [I32]);
    sub.get(sub.params.a).get(sub.params.b).op(i32.sub);
    module.elements(tableIndex, 2, [add, sub]);
    module.data({ global: baseGlobal }, new Uint8Array([5, 6, 7, 8]));

    const run = module.function("run", { which: I32 }, [I32]);
    run.globalGet(counter).i32(1).op(i32.add).globalSet(counter);
    run.globalGet(counter).call(note);
    run.globalGet(wide).op(i32.wrap_i64).call(note);
    run.globalGet(cpuGlobal).call(note);
    run.globalGet(baseGlobal).i32(9).i32(4).memoryFill();
    run.globalGet(baseGlobal).i32(8).op(i32.add).globalGet(baseGlobal).i32(2).memoryCopy();
    run.i32(30).i32(12).get(run.params.which).callIndirect(binary, tableIndex);
    module.exportFunction("run", run);
    module.exportGlobal("counter", counter);

    const env = { memory: memory.memory, note: (value: number) => seen.push(value), cpu, base, table };
    const instance = instantiate(module.finish(), { env });
    expect(memory.copy(address, 4)).toEqual(new Uint8Array([5, 6, 7, 8]));
    const f = exported(instance, "run");
    expect([f(2), f(3)]).toEqual([42, 18]);
    expect(seen).toEqual([42, 1, 3, 43, 1, 3]);
    expect(memory.copy(address, 12)).toEqual(new Uint8Array([9, 9, 9, 9, 0, 0, 0, 0, 9, 9, 0, 0]));
    expect(() => f(0)).toThrow();
    expect((table as WasmTable).get(2)).toBeTypeOf("function");
  });

  it("tail-calls where the engine can", () => {
    expect(webAssembly().validate(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))).toBe(true);
    const module = new ModuleBuilder();
    const table = module.table({ minimum: 1, maximum: 1 });
    const f = module.function("f", { n: I32 }, [I32]);
    module.elements(table, 0, [f]);
    f.get(f.params.n)
      .op(i32.eqz)
      .if(() => f.i32(77).return());
    f.get(f.params.n)
      .i32(1)
      .op(i32.sub)
      .i32(0)
      .returnCallIndirect(module.signature([I32], [I32]), table);
    module.exportFunction("f", f);
    const bytes = module.finish();
    expect(webAssembly().validate(bytes)).toBe(wasmFeatures().tailCalls);
    // Deep enough that ordinary calls would exhaust the stack.
    if (wasmFeatures().tailCalls) expect(exported(instantiate(bytes), "f")(1_000_000)).toBe(77);
  });

  it("encodes atomics with their own alignment", () => {
    const memory = new LinearMemory({ maximum: 1 << 21, shared: true });
    const module = new ModuleBuilder();
    module.importMemory("env", "memory", { minimum: 1, maximum: 65536, shared: true });
    const f = module.function("f", { at: I32 }, [I32]);
    const { at } = f.params;
    f.get(at).i32(5).atomic(i32.atomic_rmw_add).drop();
    f.get(at).i64(1, 1).atomic(i64.atomic_rmw_or, 8).drop();
    f.get(at).i32(5).i32(9).atomic(i32.atomic_rmw_cmpxchg).drop();
    f.get(at).i32(3).atomic(i32.atomic_rmw8_xchg_u, 1).drop();
    f.atomicFence();
    f.get(at).atomic(i32.atomic_load);
    module.exportFunction("f", f);
    const bytes = module.finish();
    if (!wasmFeatures().threads) return;
    const address = memory.alloc(16);
    expect(exported(instantiate(bytes, { env: { memory: memory.memory } }), "f")(address)).toBe(0x309);
    expect(memory.copy(address + 8, 8)).toEqual(new Uint8Array([1, 0, 0, 0, 1, 0, 0, 0]));
  });

  it("names functions and locals for stack traces", () => {
    const module = new ModuleBuilder("named");
    const f = module.function("xdp_ddos", {}, [I32]);
    f.unreachable();
    module.exportFunction("f", f);
    try {
      exported(instantiate(module.finish()), "f")();
      expect.unreachable();
    } catch (error) {
      expect((error as Error).stack).toContain("xdp_ddos");
    }
  });

  it("refuses misnested code when it is written", () => {
    const module = new ModuleBuilder();
    const f = module.function("f", {}, []);
    const block = f.openBlock();
    f.end();
    expect(() => f.br(block)).toThrow("branch to a closed block in f");
    expect(() => f.end()).toThrow("no block is open in f");
    expect(() => module.importFunction("env", "late", [], [])).toThrow(RangeError);
    f.openLoop();
    expect(() => module.finish()).toThrow("1 blocks are still open in f");
  });

  it("encodes a million instructions in memory proportional to the bytes", () => {
    const f = compile({ x: I32 }, (f) => {
      for (let at = 0; at < 250_000; at++) f.get(f.params.x).i32(at).op(i32.xor).set(f.params.x);
      f.get(f.params.x);
      expect(f.length).toBeLessThan(250_000 * 9);
    });
    expect(f(1)).toBe(1);
  });
});

describe("operators", () => {
  it("are all valid, each with the operand types of its name", () => {
    const module = new ModuleBuilder();
    module.importMemory("env", "memory", { minimum: 1, maximum: 1, shared: true });
    let count = 0;
    for (const [type, constant, table] of [
      [I32, "i32", i32],
      [I64, "i64", i64],
    ] as const) {
      for (const [name, operator] of Object.entries(table)) {
        const f = module.function(`${constant}.${name}`, {}, []);
        const push = () => (type === I32 ? f.i32(8) : f.i64(8));
        count++;
        if (name.startsWith("atomic")) {
          f.i32(0);
          if (!name.includes("load")) push();
          if (name.includes("cmpxchg")) push();
          f.atomic(operator as never);
          if (!name.includes("store")) f.drop();
        } else if (name.startsWith("load"))
          f.i32(0)
            .load(operator as never)
            .drop();
        else if (name.startsWith("store")) {
          f.i32(0);
          push().store(operator as never);
        } else if (name === "wrap_i64")
          f.i64(1)
            .op(operator as Operator)
            .drop();
        else if (name.startsWith("extend_i32"))
          f.i32(1)
            .op(operator as Operator)
            .drop();
        else {
          push();
          if (!/^(eqz|clz|ctz|popcnt|extend)/.test(name)) push();
          f.op(operator as Operator).drop();
        }
      }
    }
    expect(count).toBeGreaterThan(110);
    const api: WasmApi = webAssembly();
    if (wasmFeatures().threads) new api.Module(module.finish());
  });

  it("are what their names say", () => {
    const samples = [0, 1, -1, 31, 0x7fffffff, -0x80000000, 12345];
    const expected: Record<string, (a: number, b: number) => number> = {
      add: (a, b) => (a + b) | 0,
      sub: (a, b) => (a - b) | 0,
      mul: Math.imul,
      and: (a, b) => a & b,
      or: (a, b) => a | b,
      xor: (a, b) => a ^ b,
      shl: (a, b) => a << b,
      shr_s: (a, b) => a >> b,
      shr_u: (a, b) => (a >>> b) | 0,
      rotl: (a, b) => (a << b) | (a >>> (32 - (b & 31))),
      lt_s: (a, b) => Number(a < b),
      lt_u: (a, b) => Number(a >>> 0 < b >>> 0),
      gt_s: (a, b) => Number(a > b),
      gt_u: (a, b) => Number(a >>> 0 > b >>> 0),
      le_s: (a, b) => Number(a <= b),
      le_u: (a, b) => Number(a >>> 0 <= b >>> 0),
      ge_s: (a, b) => Number(a >= b),
      ge_u: (a, b) => Number(a >>> 0 >= b >>> 0),
      eq: (a, b) => Number(a === b),
      ne: (a, b) => Number(a !== b),
    };
    for (const [name, meaning] of Object.entries(expected)) {
      const f = compile({ a: I32, b: I32 }, (f) =>
        f
          .get(f.params.a)
          .get(f.params.b)
          .op(i32[name as keyof typeof i32] as Operator),
      );
      for (const a of samples) {
        for (const b of samples)
          if (name !== "rotl" || b & 31) expect(f(a, b), `${name} ${a} ${b}`).toBe(meaning(a, b));
      }
    }
  });
});
