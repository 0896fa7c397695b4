import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble } from "@tsbpf/core/isa";
import { Jit } from "@tsbpf/core/jit";
import { Machine } from "@tsbpf/core/machine";
import {
  type Engine,
  InvalidProgramError,
  NO_CONTEXT,
  RUN_EXIT,
  type RunContext,
  type RunResult,
  Runtime,
} from "@tsbpf/core/runtime";
import { LinearMemory } from "@tsbpf/core/wasm";
import { describe, expect, it } from "vitest";
import { assembleProgram } from "../packages/core/src/host/testing/index.js";

const engines: Record<string, (runtime: Runtime) => Engine> = {
  interpreter: (runtime) => new Interpreter(runtime),
  "checked JIT": (runtime) => new Jit(runtime),
  "checked JIT without WebAssembly tail calls": (runtime) => new Jit(runtime, { tailCalls: false }),
};

describe.each(Object.entries(engines))("%s", (_engine, create) => {
  const runtime = new Runtime();
  const engine = create(runtime);

  function prepare(source: string, name = "test") {
    return engine.prepare({ name, insns: assemble(source) });
  }

  /** Runs a program and gives its memory back. */
  function test(source: string, context?: RunContext): RunResult {
    const image = prepare(source);
    const result = runtime.test(image, context);
    image.close();
    return result;
  }

  function fault(source: string, context?: RunContext) {
    const result = test(source, context);
    if (result.kind !== "fault") throw new Error(`no fault: ${result.kind}`);
    return result.fault;
  }

  describe("faults", () => {
    it("say what was accessed, where and with which registers", () => {
      const { message, ...rest } = fault("r1 = 16\nr2 = -1\nr0 = *(u32 *)(r1 + 4)\nexit");
      expect(message).toBe("slot 2: load of 4 bytes at 0x14: null pointer");
      expect(rest).toMatchObject({
        reason: "access",
        program: "test",
        slot: 2,
        depth: 0,
        address: 0x14n,
        size: 4,
        write: false,
        region: undefined,
      });
      expect(rest.registers.slice(0, 3)).toEqual([0n, 16n, 0xffff_ffff_ffff_ffffn]);
      expect(rest.registers).toHaveLength(11);
    });

    it("catch the stack's ends", () => {
      expect(test("r1 = 5\n*(u64 *)(r10 - 512) = r1\nr0 = *(u64 *)(r10 - 512)\nexit")).toEqual({
        kind: "exit",
        r0: 5n,
      });
      expect(fault("*(u64 *)(r10 - 4) = 0\nexit").message).toMatch(
        /^slot 0: store of 8 bytes at 0x\w+: outside of the stack$/,
      );
      expect(fault("*(u8 *)(r10 + 0) = 0\nexit")).toMatchObject({ region: "the stack", size: 1, write: true });
      expect(fault("r0 = *(u64 *)(r10 - 513)\nexit").reason).toBe("access");
    });

    it("catch accesses that run past a map's value, and stores to read-only ones", () => {
      const values = runtime.memory.alloc(64);
      runtime.regions.add({
        name: "map counts",
        start: values,
        length: 64,
        stride: 16,
        offset: 0,
        size: 12,
        writable: true,
      });
      const at = (instruction: string) => `r1 = ${values} ll\n${instruction}\nr0 = 1\nexit`;
      expect(test(at("*(u32 *)(r1 + 8) = 7"))).toEqual({ kind: "exit", r0: 1n });
      expect(test(at("r2 = *(u64 *)(r1 + 16)"))).toEqual({ kind: "exit", r0: 1n });
      expect(fault(at("r2 = *(u64 *)(r1 + 8)")).message).toContain("outside of map counts");
      expect(fault(at("r2 = *(u8 *)(r1 + 64)")).message).toContain("outside of map counts");
      runtime.regions.remove(values);
      runtime.regions.add({
        name: "map .rodata",
        start: values,
        length: 64,
        stride: 64,
        offset: 0,
        size: 64,
        writable: false,
      });
      expect(test(at("r2 = *(u64 *)(r1 + 8)"))).toEqual({ kind: "exit", r0: 1n });
      // The load leaves a window through which the store must not slip.
      const readOnly = fault(at("r2 = *(u64 *)(r1 + 8)\n*(u8 *)(r1 + 8) = 0"));
      expect(readOnly).toMatchObject({ reason: "read_only", slot: 3, region: "map .rodata" });
      expect(fault(at("lock *(u64 *)(r1 + 8) += r2")).reason).toBe("read_only");
      runtime.regions.remove(values);
      runtime.memory.free(values);
    });

    it("keep to context and packet", () => {
      const address = runtime.memory.alloc(4096);
      const context = { address, size: 24, packetStart: address + 256, packetEnd: address + 320 };
      const packet = (instruction: string) => `r2 = ${address + 256} ll\n${instruction}\nr0 = 1\nexit`;
      expect(test("r0 = *(u32 *)(r1 + 20)\nexit", context)).toEqual({ kind: "exit", r0: 0n });
      expect(fault("r0 = *(u32 *)(r1 + 24)\nexit", context).region).toBe("the context");
      expect(test(packet("*(u8 *)(r2 + 63) = 1"), context).kind).toBe("exit");
      expect(fault(packet("*(u16 *)(r2 + 63) = 1"), context).region).toBe("the packet");
      expect(fault("r1 <<= 32\nr0 = *(u32 *)(r1 + 0)\nexit", context).region).toBeUndefined();
      runtime.memory.free(address);
    });

    it("end runaway recursion, wild callx and missing exits", () => {
      expect(fault("call pc-1\nexit")).toMatchObject({ reason: "call_depth", depth: 7 });
      expect(fault("r1 = 77777\ncallx r1\nexit")).toMatchObject({
        reason: "call_target",
        message: "slot 1: 0x12fd1 is no function",
      });
      expect(fault("r0 = 0").reason).toBe("no_exit");
    });

    it("are told of the program that tail-called, too", () => {
      const target = prepare("r0 = *(u8 *)(r9 + 0)\nexit", "target");
      runtime.helpers.define(12, { name: "tail_call", result: "int", wide: false, run: () => target.record });
      expect(fault("r0 = 0\ncall 12\nexit")).toMatchObject({ program: "target", slot: 0 });
      target.close();
    });
  });

  describe("budget", () => {
    it("ends loops, at any size", () => {
      const image = prepare("r0 = 0\nr0 += 1\ngoto -2");
      expect(runtime.test(image)).toEqual({ kind: "budget", program: "test", slot: 2 });
      expect(runtime.executed()).toBeGreaterThan(10_000_000);
      expect(runtime.executed()).toBeLessThan(10_000_005);
      runtime.budget = 1001;
      expect(runtime.test(image).kind).toBe("budget");
      expect(runtime.executed()).toBe(1003);
      runtime.budget = 2 ** 53;
      const finite = prepare("r1 = 1000\nr1 += -1\nif r1 != 0 goto -2\nexit");
      expect(runtime.test(finite).kind).toBe("exit");
      expect(runtime.executed()).toBe(2002);
      runtime.budget = 10_000_000;
      image.close();
      finite.close();
    });

    it("counts the slots of calls, helpers' callbacks and both halves of a lddw", () => {
      runtime.helpers.define(181, {
        name: "loop",
        result: "int",
        wide: false,
        run: (count, callback, context) => {
          for (let round = 0; round < count; round++)
            if (runtime.invoke(callback, round, context) !== 0) return round + 1;
          return count;
        },
      });
      const loop = "r1 = 10\nr2 = subprog[+5]\nr3 = 0\nr4 = 0\ncall 181\nexit\nr0 = 0\nexit";
      expect(test(loop)).toEqual({ kind: "exit", r0: 10n });
      expect(runtime.executed()).toBe(7 + 10 * 2);
      expect(test(loop.replace("r1 = 10", "r1 = 8000000")).kind).toBe("budget");
      expect(runtime.nesting).toBe(0);
      expect(test("call pc+1\nexit\nr0 = 1 ll\nexit")).toEqual({ kind: "exit", r0: 1n });
      expect(runtime.executed()).toBe(5);
    });

    it("lets may_goto leave its loop before it runs out", () => {
      const result = test("r0 = 0\nmay_goto +2\nr0 += 1\ngoto -3\nexit");
      expect(result.kind).toBe("exit");
      expect(runtime.executed()).toBeLessThan(10_000_000);
      runtime.budget = 2 ** 40;
      expect(test("r0 = 0\nmay_goto +2\nr0 += 1\ngoto -3\nexit")).toEqual({ kind: "exit", r0: 8_388_608n });
      runtime.budget = 10_000_000;
    });
  });

  /** A program whose helper runs the program again, and counts how deep that went. */
  function prepareRecursive() {
    runtime.helpers.define(205, {
      name: "recurse",
      result: "int",
      wide: false,
      run: () => {
        try {
          runtime.execute(image, NO_CONTEXT);
          return runtime.r0 + 1;
        } catch (error) {
          expect(error).toMatchObject({ code: "NESTING" });
          return 1;
        }
      },
    });
    const image = prepare("call 205\nexit");
    return image;
  }

  describe("helpers", () => {
    it("call back, nested, with the caller's state untouched", () => {
      runtime.helpers.define(200, {
        name: "apply",
        result: "uint",
        wide: false,
        run: (callback, value) => runtime.invoke(callback, value, 1),
      });
      // f(x) = apply(g, x) + 1 with g(x) = 2 * x, called from r6-holding main through apply.
      const source = `
      r6 = 1000
      r1 = subprog[+6]
      r2 = 4
      call 200
      r0 += r6
      r6 = 0
      exit
      r6 = 5
      r2 = r1
      r1 = subprog[+6]
      call 200
      r0 += 1
      r0 += r6
      exit
      exit
      r6 = 77
      r0 = r1
      r0 += r1
      exit`;
      expect(test(source)).toEqual({ kind: "exit", r0: 1014n });
    });

    it("end the run by a fault, an exit or an exception of their own", () => {
      runtime.helpers
        .define(201, { name: "refuse", result: "int", wide: false, run: () => runtime.fault("no such timer") })
        .define(202, { name: "throw", result: "int", wide: false, run: () => runtime.exit(5, 1) })
        .define(203, {
          name: "broken",
          result: "int",
          wide: false,
          run: () => {
            throw new TypeError("oops");
          },
        });
      expect(fault("r0 = 0\ncall 201\nexit")).toMatchObject({ reason: "helper", message: "slot 1: no such timer" });
      expect(test("call pc+1\nexit\ncall 202\nr0 = 0\nexit")).toEqual({ kind: "exit", r0: 0x1_0000_0005n });
      const thrown = fault("call 203\nexit");
      expect(thrown).toMatchObject({ reason: "thrown", slot: 0, message: "slot 0: a helper failed: oops" });
      expect(thrown.cause).toBeInstanceOf(TypeError);
      expect(runtime.nesting).toBe(0);
    });

    it("run other programs meanwhile", () => {
      const inner = prepare("r0 = 7\nr6 = 8\n*(u64 *)(r10 - 8) = r6\nexit", "inner");
      runtime.helpers.define(204, {
        name: "run_inner",
        result: "int",
        wide: false,
        run: () => {
          expect(runtime.nesting).toBe(1);
          expect(runtime.test(inner)).toEqual({ kind: "exit", r0: 7n });
          return runtime.r0;
        },
      });
      expect(
        test("r6 = 1\n*(u64 *)(r10 - 8) = r6\ncall 204\nr0 += r6\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit"),
      ).toEqual({
        kind: "exit",
        r0: 9n,
      });
      inner.close();
    });

    it("run programs within each other up to a limit", () => {
      const recursive = prepareRecursive();
      expect(runtime.test(recursive)).toEqual({ kind: "exit", r0: 65n });
      expect(runtime.nesting).toBe(0);
      recursive.close();
    });

    it("have their callbacks run later, on their own", () => {
      const seen: number[] = [];
      let timer = 0;
      runtime.helpers
        .define(206, {
          name: "set_timer",
          result: "int",
          wide: false,
          run: (callback) => {
            timer = callback;
            return 0;
          },
        })
        .define(207, { name: "note", result: "int", wide: false, run: (value) => seen.push(value) });
      const image = prepare("r1 = subprog[+3]\ncall 206\nexit\ncall 207\nr0 = 3\nexit");
      expect(runtime.test(image).kind).toBe("exit");
      expect(runtime.executeFunction(timer, 11, 0, 0)).toBe(RUN_EXIT);
      expect([seen, runtime.r0]).toEqual([[11], 3]);
      image.close();
      expect(runtime.result(runtime.executeFunction(timer, 11, 0, 0))).toMatchObject({
        fault: { reason: "call_target" },
      });
    });

    it("may grow the memory", () => {
      runtime.helpers.define(208, {
        name: "grow",
        result: "uint",
        wide: false,
        run: () => runtime.memory.alloc(runtime.memory.size),
      });
      const result = test("*(u64 *)(r10 - 8) = 5\ncall 208\nr0 = *(u64 *)(r10 - 8)\nexit");
      expect(result).toEqual({ kind: "exit", r0: 5n });
    });
  });

  describe("tail calls", () => {
    it("go on in the target with a fresh limit of 33, in this frame", () => {
      let target = 0;
      runtime.helpers.define(12, {
        name: "tail_call",
        result: "int",
        wide: false,
        run: (_context, _map, index) => (index === 0 ? target : 0),
      });
      const counting = prepare("r0 = *(u64 *)(r1 + 0)\nr0 += 1\n*(u64 *)(r1 + 0) = r0\ncall 12\nexit", "counting");
      target = counting.record;
      const counter = runtime.memory.alloc(8);
      const context = { address: counter, size: 8, packetStart: 0, packetEnd: 0 };
      const image = prepare("r3 = 0\ncall 12\nexit");
      expect(runtime.test(image, context)).toEqual({ kind: "exit", r0: 33n });
      expect(runtime.test(image, context)).toEqual({ kind: "exit", r0: 66n });
      // From a function, the target returns to the function's caller.
      runtime.memory.u32[counter >> 2] = 0;
      const nested = prepare("r6 = 100\nr3 = 0\ncall pc+2\nr0 += r6\nexit\nr6 = 7\ncall 12\nr0 = -1\nexit");
      expect(runtime.test(nested, context)).toEqual({ kind: "exit", r0: 133n });
      // An empty slot falls through, and r0 stays.
      expect(test("r0 = 9\nr3 = 1\ncall 12\nexit")).toEqual({ kind: "exit", r0: 9n });
      for (const each of [counting, image, nested]) each.close();
      runtime.memory.free(counter);
    });
  });

  it("runs over shared memory", () => {
    const memory = new LinearMemory({ maximum: 1 << 21, shared: true });
    const shared = new Runtime({ memory });
    const image = create(shared).prepare({ name: "shared", insns: assemble("r0 = *(u8 *)(r1 + 1)\nexit") });
    const address = memory.allocBytes(new Uint8Array([1, 2]));
    expect(shared.test(image, { ...NO_CONTEXT, address, size: 2 })).toEqual({ kind: "exit", r0: 2n });
  });

  describe("prepare", () => {
    it.each([
      ["an unknown opcode", new Uint8Array([0xff, 0, 0, 0, 0, 0, 0, 0]), 0],
      ["nothing", new Uint8Array(0), 0],
      ["a register beyond r10", new Uint8Array([0xb7, 0x0b, 0, 0, 0, 0, 0, 0]), 0],
      ["a write to r10", new Uint8Array([0xb7, 0x0a, 0, 0, 0, 0, 0, 0]), 0],
      ["an atomic that fetches to r10", new Uint8Array([0xdb, 0xaa, 0xf8, 0xff, 1, 0, 0, 0]), 0],
      ["half a lddw", new Uint8Array([0x18, 0, 0, 0, 0, 0, 0, 0]), 0],
      ["an unused field that is not 0", new Uint8Array([0x95, 1, 0, 0, 0, 0, 0, 0]), 0],
      ["a jump out of the program", assemble("r0 = 0\nif r0 == 0 goto +1\nexit"), 1],
      ["a jump before the program", assemble("r0 = 0\ngoto -3"), 1],
      ["a jump into a lddw", assemble("goto +1\nr0 = 1 ll\nexit"), 0],
      ["a call out of the program", assemble("r0 = 0\ncall pc+100\nexit"), 1],
      ["an unknown helper", assemble("r0 = 0\ncall 150\nexit"), 1],
      ["an unknown kfunc", assemble("r0 = 0\ncall kfunc f#150\nexit"), 1],
      ["an arena cast without an arena", assemble("r0 = addr_space_cast(r1, 0, 1)\nexit"), 0],
    ])("refuses %s", (_name, insns, slot) => {
      const before = runtime.memory.stats.blocks;
      try {
        engine.prepare({ name: "bad", insns });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidProgramError);
        expect(error).toMatchObject({
          code: "INVALID_PROGRAM",
          slot,
          message: expect.stringMatching(`^slot ${slot}: `),
        });
      }
      expect(runtime.memory.stats.blocks).toBe(before);
    });

    it("takes large programs, and gives all memory back", () => {
      const insns = new Uint8Array(100_000 * 8);
      for (let at = 0; at < insns.length; at += 8) insns.set([0x07, 0, 0, 0, 1, 0, 0, 0], at);
      insns.set([0x95, 0, 0, 0, 0, 0, 0, 0], insns.length - 8);
      const before = runtime.memory.stats.bytes;
      const image = engine.prepare({ name: "large", insns });
      expect(runtime.test(image)).toEqual({ kind: "exit", r0: 99_999n });
      image.close();
      expect(runtime.memory.stats.bytes).toBe(before);
    });
  });
});

it("a program that makes too much WebAssembly is interpreted by the Machine, with a note", async () => {
  const insns = new Uint8Array(400_000 * 8);
  for (let at = 0; at < insns.length; at += 8) insns.set([0x7b, 0x0a, 0xf8, 0xff, 0, 0, 0, 0], at);
  insns.set([0x95, 0, 0, 0, 0, 0, 0, 0], insns.length - 8);
  expect(() => new Jit(new Runtime()).prepare({ name: "large", insns })).toThrow(
    expect.objectContaining({ code: "TOO_LARGE" }),
  );
  const machine = new Machine();
  const program = await machine.loadProgram({ ...assembleProgram("xdp", "exit"), insns }, { verify: false });
  expect(program.log).toContain("interpreted: ");
  expect(program.testRun({ data: new Uint8Array(64) }).retval).toBe(0);
  machine.close();
  using strict = new Machine({ jit: { alwaysOn: true } });
  const large = { ...assembleProgram("xdp", "exit"), insns };
  await expect(strict.loadProgram(large, { verify: false })).rejects.toMatchObject({ errnoName: "ENOTSUPP" });
});
