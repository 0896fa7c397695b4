import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Btf, BtfBuilder, parseBtf } from "../btf/index.js";
import { loadKernelTypes } from "../kernel-types/index.js";
import { createProgram, type ObjectSpec } from "../spec/index.js";
import { relocateForTarget } from "./core-relocation.js";
import { minimalBtf } from "./minimal-btf.js";
import { readObject } from "./read-object.js";

const testdata = new URL("../../../../testdata/", import.meta.url).pathname;

/** Each program's instructions and what each relocation came to. */
function relocated({ programs, btf }: ObjectSpec, target: Btf) {
  return [...programs.values()].map((program) => {
    const { program: patched, resolutions } = relocateForTarget(program, btf!, target);
    return [patched.insns, resolutions.map(({ value, poisoned }) => [value, poisoned])];
  });
}

it.each(["core/task.clang-22.o", "objects/relocations.clang-14.o", "objects/relocations.clang-22.o"])(
  "relocating against it gives what the whole kernel's types give: %s",
  async (path) => {
    const kernel = await loadKernelTypes();
    const object = readObject(new Uint8Array(readFileSync(testdata + path)));
    const minimal = minimalBtf([object], kernel);
    expect(minimal.length).toBeLessThan(1000);
    expect(relocated(object, parseBtf(minimal))).toEqual(relocated(object, kernel));
  },
);

it("keeps members on the way, through anonymous structs, and no others", () => {
  const kernel = new BtfBuilder();
  const int = kernel.add({ kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 });
  const member = (name: string, type: number, at: number) => ({ name, type, bitOffset: at * 8, bitSize: 0 });
  const inner = kernel.add({ kind: "struct", name: "", size: 8, members: [member("x", int, 0), member("y", int, 4)] });
  kernel.add({
    kind: "struct",
    name: "outer",
    size: 16,
    members: [member("a", int, 0), member("", inner, 4), member("z", int, 12)],
  });

  const local = new BtfBuilder();
  const own = local.add({ kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 });
  const outer = local.add({ kind: "struct", name: "outer", size: 4, members: [member("y", own, 0)] });
  const program = createProgram({
    name: "p",
    type: "xdp",
    insns: Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0),
    coreRelocations: [{ slot: 0, kind: "field_byte_offset", typeId: outer, access: "0:0" }],
  });
  const target = kernel.build();
  const object = {
    btf: local.build(),
    programs: new Map([["p", program]]),
    untyped: new Map(),
  } as unknown as ObjectSpec;
  const minimal = parseBtf(minimalBtf([object], target));
  expect(relocated(object, minimal)).toEqual(relocated(object, target));
  const structs = [...Array(minimal.length).keys()]
    .map((id) => minimal.type(id))
    .filter(({ kind }) => kind === "struct");
  expect(structs).toMatchObject([
    { name: "", size: 8, members: [{ name: "y", bitOffset: 32 }] },
    { name: "outer", size: 16, members: [{ name: "", bitOffset: 32 }] },
  ]);
});
