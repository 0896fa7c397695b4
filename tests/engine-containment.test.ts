import { helperPrototypes } from "@tsbpf/core/abi";
import { Interpreter } from "@tsbpf/core/interpreter";
import { assemble, encodeInstructions, type Instruction, type InstructionRow, instructionTable } from "@tsbpf/core/isa";
import { Jit } from "@tsbpf/core/jit";
import { createArgumentGuard, type Engine, NO_CONTEXT, type RunResult, Runtime } from "@tsbpf/core/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** A machine with one map, of which programs may touch the values only, surrounded by memory that is none of theirs. */
function setUp(create: (runtime: Runtime) => Engine) {
  const runtime = new Runtime({ budget: 2000 });
  const before = runtime.memory.allocBytes(new Uint8Array(4096).fill(0xc5));
  const header = runtime.memory.allocBytes(new Uint8Array(4096).fill(0xc6));
  const values = runtime.memory.alloc(4096);
  const after = runtime.memory.allocBytes(new Uint8Array(4096).fill(0xc7));
  runtime.regions.add({ name: "map", start: values, length: 4096, stride: 64, offset: 16, size: 32, writable: true });
  const canaries = () =>
    [
      [before, 0xc5],
      [header, 0xc6],
      [after, 0xc7],
    ].every(([start, byte]) => runtime.memory.u8.subarray(start, start! + 4096).every((each) => each === byte));
  /** Bytes between the accessible parts of values. */
  const gaps = () => {
    const bytes = runtime.memory.u8.subarray(values, values + 4096);
    return bytes.every((byte, at) => (at % 64 >= 16 && at % 64 < 48) || byte === 0);
  };
  return { runtime, engine: create(runtime), header, values, intact: () => canaries() && gaps() };
}

const rows = instructionTable.filter(
  ({ kind }) => kind !== "call" && kind !== "load_imm64" && kind !== "addr_space_cast",
);

/** A well-formed instruction with operands that are often meaningful and often not. */
const instruction = fc
  .tuple(
    fc.constantFrom(...rows),
    fc.nat(9),
    fc.nat(10),
    fc.oneof(fc.integer({ min: -6, max: 6 }), fc.constantFrom(-512, -8, 16, 40, 48, 64, 4096, 32767)),
    fc.oneof(fc.constantFrom(0, 1, -8, 64), fc.integer()),
  )
  .map(
    ([row, dst, src, offset, imm]: [InstructionRow, number, number, number, number]): Instruction => ({
      opcode: row.opcode,
      dst: row.fixed.dst ?? dst,
      // A fetching atomic with r10 would write it.
      src: row.fixed.src ?? (row.kind === "atomic" ? src % 10 : src),
      offset: row.fixed.offset ?? offset,
      imm: row.fixed.imm ?? imm,
    }),
  );

const EXIT: Instruction = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };

const engines: Record<string, (runtime: Runtime) => Engine> = {
  interpreter: (runtime) => new Interpreter(runtime),
  "checked JIT": (runtime) => new Jit(runtime),
};

describe.each(Object.entries(engines))("%s", (_engine, create) => {
  describe("programs that nobody verified", () => {
    it("end with a value and leave all memory alone that is not theirs", () => {
      const { runtime, engine, values, intact } = setUp(create);
      const kinds = new Set<RunResult["kind"]>();
      // The first run makes an execution area, which stays.
      runtime.end(runtime.begin(engine.prepare({ name: "first", insns: assemble("exit") })));
      const blocks = runtime.memory.stats.blocks;
      fc.assert(
        fc.property(fc.array(instruction, { minLength: 1, maxLength: 40 }), fc.nat(8192), (body, start) => {
          // r6 to r9 point near the values, the stack, and somewhere.
          const pointers = assemble(`
          r6 = ${values + start - 2048} ll
          r7 = ${values + 16} ll
          r8 = r10
          r8 += -64
          r9 = 0xffffffff00000000 ll`);
          let insns = Uint8Array.from([...pointers, ...encodeInstructions([...body, EXIT])]);
          let image: ReturnType<Engine["prepare"]> | undefined;
          while (image === undefined) {
            try {
              image = engine.prepare({ name: "random", insns });
            } catch (error) {
              // Jumps that leave the program become jumps to the next instruction.
              const { slot } = error as { slot: number };
              insns = insns.with(slot * 8 + 2, 0).with(slot * 8 + 3, 0);
              if (insns[slot * 8] === 0x06) insns.fill(0, slot * 8 + 4, slot * 8 + 8);
            }
          }
          const result = runtime.test(image);
          kinds.add(result.kind);
          if (result.kind === "fault") expect(result.fault.reason).toMatch(/^(access|read_only|no_exit)$/);
          expect(intact()).toBe(true);
          image.close();
        }),
        { numRuns: 1500 },
      );
      expect([...kinds].sort()).toEqual(["budget", "exit", "fault"]);
      expect(runtime.memory.stats.blocks).toBe(blocks);
    });

    it("get helpers only with arguments that fit the prototype", () => {
      const { runtime, engine, header, values } = setUp(create);
      const seen: number[] = [];
      const helper = (name: string) => ({
        name,
        result: "int" as const,
        wide: false,
        run: (...args: number[]) => {
          seen.push(args[0]!);
          return 0;
        },
      });
      runtime.helpers
        .define(1, helper("map_lookup_elem"))
        .define(26, helper("skb_load_bytes"))
        .define(64, helper("push"));
      const sizes = { keySize: 4, valueSize: 32 };
      const guard = createArgumentGuard(runtime, helperPrototypes, (at) => (at === header ? sizes : undefined));
      runtime.helpers.setGuard(guard);
      const run = (source: string, verified = false) => {
        const image = engine.prepare({ name: "calls", insns: assemble(source), verified });
        const result = runtime.test(image, { ...NO_CONTEXT, address: values + 16, size: 32 });
        image.close();
        return result.kind === "fault" ? result.fault.message : result.kind;
      };
      const key = "r2 = r10\nr2 += -4\n*(u32 *)(r2 + 0) = 0\n";
      expect(run(`r1 = ${header} ll\n${key}call 1\nexit`)).toBe("exit");
      expect(run(`r1 = ${header + 8} ll\n${key}call 1\nexit`)).toMatch(/^slot \d: r1 of map_lookup_elem is no map$/);
      expect(run(`r1 = ${header} ll\n${key}r2 += 2\ncall 1\nexit`)).toContain("no memory of 4 bytes that can be read");
      const load = "r2 = 0\nr3 = r10\nr3 += -16\n";
      expect(run(`${load}r4 = 16\ncall 26\nexit`)).toBe("exit");
      expect(run(`${load}r4 = 17\ncall 26\nexit`)).toContain("no memory of 17 bytes that can be written");
      expect(run(`${load}r4 = 0x100000001 ll\ncall 26\nexit`)).toContain("no memory");
      expect(run(`r1 += 8\n${load}r4 = 16\ncall 26\nexit`)).toContain("r1 of skb_load_bytes is not the context");
      expect(run(`${load}r4 = 17\nr5 = 26\ncallx r5\nexit`)).toContain("no memory of 17 bytes");
      expect(seen).toHaveLength(2);
      expect(run(`${load}r4 = 17\ncall 26\nexit`, true)).toBe("exit");
    });
  });

  describe("guarded accesses", () => {
    it("load 0 and store nothing where the others fault", () => {
      const { runtime, engine, values } = setUp(create);
      const source = `
      r1 = ${values} ll
      r0 = 7
      r0 = *(u32 *)(r1 + 0)
      *(u64 *)(r1 + 0) = 5
      r2 = 9
      *(u32 *)(r1 + 0) = r2
      lock *(u64 *)(r1 + 0) += r2
      r3 = 3
      r3 = *(u8 *)(r1 + 16)
      *(u32 *)(r1 + 16) = r2
      r0 += r2
      exit`;
      const insns = assemble(source);
      const slots = new Set([3, 4, 6, 7, 9, 10]);
      const image = engine.prepare({ name: "guarded", insns, guarded: slots });
      expect(runtime.test(image)).toEqual({ kind: "exit", r0: 9n });
      expect([runtime.memory.u32[values >> 2], runtime.memory.u32[(values + 16) >> 2]]).toEqual([0, 9]);
      slots.delete(7);
      const less = engine.prepare({ name: "guarded", insns, guarded: slots });
      expect(runtime.test(less)).toMatchObject({ kind: "fault", fault: { slot: 7, reason: "access" } });
    });
  });
});
