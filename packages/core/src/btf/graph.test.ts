import { beforeAll, describe, expect, it } from "vitest";
import {
  type Btf,
  BtfBuilder,
  datasecVariables,
  findMember,
  functionPrototype,
  memberAtBit,
  resolve,
  skipQualifiers,
  type TypeId,
} from "./index.js";

const field = (name: string, type: TypeId, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });

describe("the type graph", () => {
  let btf: Btf;
  const id: Record<string, TypeId> = {};
  beforeAll(() => {
    const b = new BtfBuilder();
    const u32 = b.add({ kind: "int", name: "u32", size: 4, encoding: "unsigned", bitOffset: 0, bits: 32 });
    const u3 = b.add({ kind: "int", name: "u32", size: 4, encoding: "unsigned", bitOffset: 2, bits: 3 });
    const inner = b.add({ kind: "union", name: "", size: 4, members: [field("a", u32, 0), field("b", u3, 0)] });
    const pair = b.add({ kind: "struct", name: "pair", size: 8, members: [field("x", u32, 0), field("y", u32, 32)] });
    const pairs = b.add({ kind: "array", type: pair, indexType: u32, length: 2 });
    const grid = b.add({ kind: "array", type: pairs, indexType: u32, length: 2 });
    const outer = b.add({
      kind: "struct",
      name: "outer",
      size: 48,
      members: [field("", inner, 0), field("flags", u32, 32, 5), field("rest", u32, 37, 27), field("grid", grid, 64)],
    });
    const alias = b.add({ kind: "typedef", name: "outer_t", type: b.add({ kind: "const", name: "", type: outer }) });
    const volatile = b.add({ kind: "volatile", name: "", type: alias });
    const proto = b.add({ kind: "func_proto", returns: u32, params: [{ name: "p", type: outer }] });
    const func = b.add({ kind: "func", name: "f", type: proto, linkage: "static" });
    const pointer = b.add({ kind: "ptr", type: proto });
    const counter = b.add({ kind: "var", name: "counter", type: volatile, linkage: "global" });
    b.add({
      kind: "datasec",
      name: ".data",
      size: 52,
      variables: [
        { type: counter, offset: 4, size: 48 },
        { type: func, offset: 0, size: 0 },
      ],
    });
    Object.assign(id, { u32, u3, outer, alias, volatile, func, pointer, proto, pair, counter });
    btf = b.build();
  });

  it("looks through typedefs and qualifiers", () => {
    expect(resolve(btf, id.volatile!)).toBe(id.outer);
    expect(skipQualifiers(btf, id.volatile!)).toBe(id.alias);
    expect(resolve(btf, 0)).toBe(0);
    expect([btf.size(id.volatile!), btf.alignment(id.volatile!)]).toEqual([48, 4]);
  });

  it("finds members by path, through anonymous ones and arrays", () => {
    expect(findMember(btf, id.volatile!, "a")).toEqual({ type: id.u32, bitOffset: 0, bitSize: 0 });
    expect(findMember(btf, id.outer!, "b")).toEqual({ type: id.u3, bitOffset: 2, bitSize: 3 });
    expect(findMember(btf, id.outer!, "rest")).toEqual({ type: id.u32, bitOffset: 37, bitSize: 27 });
    expect(findMember(btf, id.outer!, "grid[1][0].y")).toEqual({ type: id.u32, bitOffset: 224, bitSize: 0 });
    expect(findMember(btf, id.outer!, "grid[2][0]")).toBeUndefined();
    expect(findMember(btf, id.outer!, "a.x")).toBeUndefined();
    expect(() => findMember(btf, id.outer!, "grid[-1]")).toThrow("is not a path");
  });

  it("names the member at a bit", () => {
    expect(memberAtBit(btf, id.volatile!, 0)).toMatchObject({ path: "a", bitOffset: 0 });
    expect(memberAtBit(btf, id.outer!, 36)).toMatchObject({ path: "flags", bitOffset: 32 });
    expect(memberAtBit(btf, id.outer!, 40)).toMatchObject({ path: "rest", bitOffset: 37 });
    expect(memberAtBit(btf, id.outer!, 230)).toMatchObject({ path: "grid[1][0].y", bitOffset: 224 });
    expect(memberAtBit(btf, id.outer!, 330)).toBeUndefined();
  });

  it("does not search one anonymous type twice", () => {
    // Each level holds the one below twice: a naive search would take 2^60 steps.
    const b = new BtfBuilder();
    let last = b.add({ kind: "union", name: "", size: 4, members: [] });
    for (let i = 0; i < 60; i++) {
      last = b.add({ kind: "union", name: "", size: 4, members: [field("", last, 0), field("", last, 0)] });
    }
    expect(findMember(b.build(), last, "missing")).toBeUndefined();
  });

  it("finds prototypes and variables", () => {
    const proto = btf.type(id.proto!);
    expect([id.func, id.pointer, id.proto].map((each) => functionPrototype(btf, each!))).toEqual([proto, proto, proto]);
    expect(functionPrototype(btf, id.outer!)).toBeUndefined();
    expect(datasecVariables(btf, ".data")).toEqual([
      { name: "counter", id: id.counter, type: id.volatile, linkage: "global", offset: 4, size: 48 },
    ]);
    expect(datasecVariables(btf, ".bss")).toEqual([]);
  });
});
