import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { type ArrayMap, createMap, MapCore } from "../maps/index.js";
import { Runtime } from "../runtime/index.js";
import { verify } from "../verifier/index.js";
import { CodeBuffer } from "../wasm/code-buffer.js";
import { defaultJitSettings, Jit, type JitExecutable } from "./index.js";

const HARDEN_ALL = { ...defaultJitSettings(), harden: 2 } as const;
const HARDEN_UNPRIVILEGED = { ...defaultJitSettings(), harden: 1 } as const;

/** A constant of its own in each place where a program can put one. */
const SOURCE = `
  r0 = 0x5a000001 ll
  r1 = 0x5b0000025c000003 ll
  r0 += r1
  r0 += 0x5d000004
  w0 ^= 0x5e000005
  r0 *= 0x5f000006
  w0 -= 0x5a000007
  r0 |= 0x5b000008
  r2 = 0x5c000009
  w3 = 0x5d00000a
  r0 /= 0x5e00000b
  w2 %= 0x5f00000c
  *(u64 *)(r10 - 8) = 0x5a00000d
  *(u32 *)(r10 - 16) = 0x5b00000e
  if r0 == 0x5c00000f goto out
  if w2 > 0x5d000010 goto out
  if r3 & 0x5e000011 goto out
  r0 += 0x5f000012
out:
  r1 = *(u64 *)(r10 - 8)
  r0 += r1
  r0 += r2
  r0 += r3
  exit`;
const CONSTANTS = [...SOURCE.matchAll(/0x([0-9a-f]+)/g)].map(([text]) => BigInt(text));

/** How WebAssembly writes `i32.const` and `i64.const` of a number. */
function encodings(value: bigint): Uint8Array[] {
  return [value, value >> 32n, value & 0xffffffffn]
    .filter((part) => part > 0xffffffn)
    .map((part) => {
      const code = new CodeBuffer(16);
      code.i64(Number(BigInt.asIntN(32, part)), Number(BigInt.asIntN(32, part >> 32n)));
      return code.written().slice();
    });
}

/** One character a byte, to search in. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function constantsIn(bytes: Uint8Array, constants: readonly bigint[]): bigint[] {
  const text = textOf(bytes);
  return constants.filter((constant) => encodings(constant).some((code) => text.includes(textOf(code))));
}

describe("bpf_jit_harden", () => {
  it("2 hides every constant that a program chose, and changes no result", () => {
    const runtime = new Runtime();
    const insns = assemble(SOURCE);
    const plain = new Jit(runtime).prepare({ name: "constants", insns });
    const hardened = new Jit(runtime, { settings: HARDEN_ALL });
    const [first, second] = [0, 1].map(() => hardened.prepare({ name: "constants", insns }));
    expect(constantsIn(plain.bytes, CONSTANTS)).toEqual(CONSTANTS);
    expect(constantsIn(first!.bytes, CONSTANTS)).toEqual([]);
    expect([plain.blinded, first!.blinded]).toEqual([false, true]);
    expect(first!.bytes, "keys are new each time").not.toEqual(second!.bytes);
    expect(runtime.test(first!)).toEqual(runtime.test(plain));
    expect(runtime.test(second!)).toEqual(runtime.test(plain));
  });

  it("1 concerns unprivileged users, and settings count for programs to come", () => {
    const settings = { ...HARDEN_UNPRIVILEGED } as { harden: 0 | 1 | 2; limit: number };
    const jit = new Jit(new Runtime(), { settings });
    const insns = assemble("r0 = 1\nexit");
    expect(jit.prepare({ name: "root", insns }).blinded).toBe(false);
    expect(jit.prepare({ name: "user", insns, unprivileged: true }).blinded).toBe(true);
    settings.harden = 0;
    expect(jit.prepare({ name: "user", insns, unprivileged: true }).blinded).toBe(false);
  });

  it("leaves no size of a map in unchecked code", () => {
    const runtime = new Runtime();
    const { memory, cpuGlobal: cpu, regions } = runtime;
    const maps = new MapCore({ memory, cpu, regions });
    const [entries, valueSize] = [0x5a01, 0x130];
    const attributes = { type: "array", keySize: 4, valueSize, maxEntries: entries, name: "values" } as const;
    const map = createMap(maps, attributes) as ArrayMap;
    map.update(new Uint8Array(4), new Uint8Array(valueSize).fill(7));
    const seen = assemble(`
      *(u32 *)(r10 - 4) = 0
      r2 = r10
      r2 += -4
      r1 = map[fd:7]
      call 1
      if r0 == 0 goto out
      r0 = *(u8 *)(r0 + 3)
    out:
      exit`);
    const insns = seen.slice();
    new DataView(insns.buffer).setUint32(3 * 8 + 4, map.address, true);
    const described = { ...attributes, type: 2, flags: 0 };
    const verdict = verify({ insns: seen, type: "xdp", license: "GPL", maps: new Map([[7, described]]) });
    if (verdict.verdict !== "accepted") throw new Error(verdict.message);
    runtime.helpers.define(1, { name: "lookup", result: "uint", wide: false, run: maps.functions.lookup });
    const executable: JitExecutable = {
      ...{ name: "sizes", insns, verified: true },
      proof: { verdict, maps: new Map([[7, map]]), type: "xdp" },
    };
    const images = [undefined, HARDEN_ALL].map((settings) => new Jit(runtime, { maps, settings }).prepare(executable));
    expect(images.map(({ checked }) => checked)).toEqual([false, false]);
    const code = new CodeBuffer(8);
    code.i32(entries);
    const holds = images.map(({ bytes }) => textOf(bytes).includes(textOf(code.written())));
    expect(holds).toEqual([true, false]);
    for (const image of images) expect(runtime.test(image)).toEqual({ kind: "exit", r0: 7n });
  });
});

describe("images", () => {
  it("count against bpf_jit_limit, for unprivileged users, until they go", () => {
    const settings = { ...defaultJitSettings() };
    const jit = new Jit(new Runtime(), { settings });
    const insns = assemble("r0 = 1\nexit");
    const first = jit.prepare({ name: "first", insns });
    settings.limit = first.size + 10;
    expect(jit.size).toBe(first.size);
    expect(() => jit.prepare({ name: "user", insns, unprivileged: true })).toThrow(
      expect.objectContaining({ code: "JIT_LIMIT" }),
    );
    const second = jit.prepare({ name: "root", insns });
    expect(jit.size).toBe(first.size + second.size);
    first.close();
    second.close();
    expect(jit.size).toBe(0);
    jit.prepare({ name: "user", insns, unprivileged: true });
  });

  it("cannot be changed through the bytes that they show", () => {
    const runtime = new Runtime();
    const image = new Jit(runtime).prepare({ name: "one", insns: assemble("r0 = 1\nexit") });
    const before = image.bytes;
    image.bytes.fill(0);
    expect(image.bytes).toEqual(before);
    expect(runtime.test(image)).toEqual({ kind: "exit", r0: 1n });
  });

  it("are listed as /proc/kallsyms lists programs, functions apart", () => {
    const jit = new Jit(new Runtime());
    const insns = assemble("call sub\nexit\nsub:\nr0 = 1\nexit");
    const identity = { tag: "0123456789abcdef", functions: new Map([[0, "count_packets"]]) };
    const image = jit.prepare({ name: "count_packets", insns, identity });
    const sizes = jit.symbols().map(({ size }) => size);
    expect(jit.symbols()).toEqual([
      { name: "bpf_prog_0123456789abcdef_count_packets", address: image.record, size: sizes[0] },
      { name: "bpf_prog_0123456789abcdef_F", address: image.record, size: sizes[1] },
    ]);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    image.close();
    expect(jit.symbols()).toEqual([]);
  });
});
