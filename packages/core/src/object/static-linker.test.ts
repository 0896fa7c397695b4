import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import { printC } from "../btf/index.js";
import type { ObjectSpec } from "../spec/index.js";
import { readObject } from "./read-object.js";
import { linkObjects } from "./static-linker.js";

const root = new URL("../../../../", import.meta.url).pathname;

function read(path: string) {
  return { name: path, bytes: new Uint8Array(readFileSync(join(root, path))) };
}

/** What an object means: all but the numbers of its types. */
function meaning(object: ObjectSpec) {
  const program = (each: ObjectSpec["untyped"] extends ReadonlyMap<string, infer P> ? P : never) => ({
    ...each,
    functions: each.functions.map(({ typeId: _, ...rest }) => rest),
    coreRelocations: each.coreRelocations.map(({ typeId, ...rest }) => ({ ...rest, type: object.btf?.name(typeId) })),
    references: each.references.map((reference) => ({ ...reference, typeId: 0, btfId: 0 })),
  });
  return {
    programs: [...object.programs].map(([name, each]) => [name, program(each)]),
    untyped: [...object.untyped].map(([name, each]) => [name, program(each)]),
    maps: [...object.maps].map(([name, map]) => [
      name,
      { ...map, keyTypeId: 0, valueTypeId: 0, structOps: undefined, inner: undefined },
    ]),
    variables: [...object.variables].map(([name, { map, offset, size, constant }]) => ({
      name,
      map,
      offset,
      size,
      constant,
    })),
    types: object.btf === undefined ? "" : printC(object.btf).split(/\n\n/).sort(),
  };
}

const linkable = [
  "testdata/objects",
  "testdata/kernel",
  "testdata/cli",
  "examples/ddos-filter",
  "examples/load-balancer",
]
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
  .filter((path) => path.endsWith(".o") && !/big-endian|linked-/.test(path));

describe("linkObjects", () => {
  it.each(linkable)("one object alone means what it meant: %s", (path) => {
    const file = read(path);
    expect(meaning(readObject(linkObjects([file])))).toEqual(meaning(readObject(file.bytes)));
  });

  it("gives one object what the others expect, and keeps static names apart", () => {
    const files = [read("testdata/cli/linked-first.bpf.o"), read("testdata/cli/linked-second.bpf.o")];
    const object = readObject(linkObjects(files));
    expect([...object.programs.keys()]).toEqual(["first", "second"]);
    expect([...object.maps.keys()].sort()).toEqual([".bss", ".data", ".kconfig", ".rodata", "counters", "seen"]);
    expect(object.maps.get("seen")).toMatchObject({ type: "hash", keySize: 4, valueSize: 8 });
    const names = object.programs.get("first")!.functions.map(({ name }) => name);
    expect(names.filter((name) => name === "helper").length).toBe(2);
    expect(names).toEqual(expect.arrayContaining(["first", "fallback", "classify"]));
    expect(object.programs.get("first")!.references.every(({ kind }) => kind === "map" || kind === "map_value")).toBe(
      true,
    );
    expect([...object.variables.get("limit")!.get()]).toEqual([100, 0, 0, 0]);
  });

  it("refuses what does not go together, naming both", () => {
    const first = read("testdata/cli/linked-first.bpf.o");
    expect(() => linkObjects([first, { ...first, name: "again.o" }])).toThrow(
      "'first' is defined in testdata/cli/linked-first.bpf.o and in again.o",
    );
    expect(() => linkObjects([])).toThrow("no objects");
    expect(() => linkObjects([read("testdata/objects/maps.big-endian.o")])).toThrow("big-endian");
    const license = { name: "other.o", bytes: first.bytes.slice() };
    const at = Buffer.from(license.bytes).indexOf("GPL\0");
    license.bytes.set(Buffer.from("BSD"), at);
    expect(() => linkObjects([first, license])).toThrow("other.o has another license than the objects before it");
  });

  it("whatever the bytes are, throws nothing but BpfErrors", () => {
    const [first, second] = [read("testdata/cli/linked-first.bpf.o"), read("testdata/cli/linked-second.bpf.o")];
    const mutation = fc.record({ at: fc.nat(first.bytes.length - 1), to: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 12 }), (mutations) => {
        const bytes = first.bytes.slice();
        for (const { at, to } of mutations) bytes[at] = to;
        try {
          linkObjects([{ name: "mutated.o", bytes }, second]);
        } catch (error) {
          if (!(error instanceof BpfError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });

  it("gives the same bytes for the same objects", () => {
    const files = [read("testdata/cli/linked-first.bpf.o"), read("testdata/cli/linked-second.bpf.o")];
    expect(linkObjects(files)).toEqual(linkObjects(files));
  });
});
