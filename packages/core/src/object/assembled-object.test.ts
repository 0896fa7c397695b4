import { describe, expect, it } from "vitest";
import { AssembleError } from "../base/index.js";
import { lineAt } from "../host/index.js";
import { assembleElf, readObject } from "./index.js";

const source = `
.map flows hash 4 16 1024 1
.map totals array 4 8 2
.data
limit: .quad 5
.globl seen
seen: .4byte 7
.bss
room: .zero 12
.text
.globl bump
bump:
  r0 = *(u64 *)(r1 + 0)
  exit
.section "xdp.frags"
.globl count
count:
  r1 = totals ll
  call bpf_map_lookup_elem
  r1 = seen ll
  call bump
  r2 = step ll
  exit
step:
  r0 = 0
  exit
.section license
.asciz "Dual MIT/GPL"
`;

function read(text: string) {
  return readObject(assembleElf(text, { file: "count.s" }), { name: "count.o" });
}

describe("assembleElf", () => {
  it("writes programs by section, with their subprograms and references", () => {
    const { programs, maps } = read(source);
    const program = programs.get("count")!;
    expect([...programs.keys()]).toEqual(["count"]);
    expect(program).toMatchObject({ type: "xdp", section: "xdp.frags", license: "Dual MIT/GPL", flags: 0x20 });
    expect(program.references).toEqual([
      { kind: "map", slot: 0, map: "totals" },
      { kind: "map_value", slot: 3, map: ".data", offset: 8 },
    ]);
    expect(program.functions.map(({ name, slot, linkage }) => [name, slot, linkage])).toEqual([
      ["count", 0, "global"],
      ["bump", 9, "static"],
      ["step", 11, "static"],
    ]);
    expect([...maps.keys()]).toEqual(["flows", "totals", ".data", ".bss"]);
  });

  it("describes maps and variables by BTF", () => {
    const { maps, variables, btf } = read(source);
    expect(maps.get("flows")).toMatchObject({ type: "hash", keySize: 4, valueSize: 16, maxEntries: 1024, flags: 1 });
    expect(btf!.name(maps.get("flows")!.keyTypeId)).toBe("unsigned int");
    expect(maps.get("flows")!.valueTypeId).toBe(0);
    expect([...variables.values()].map(({ name, map, offset, size }) => [name, map, offset, size])).toEqual([
      ["limit", ".data", 0, 8],
      ["seen", ".data", 8, 4],
      ["room", ".bss", 0, 12],
    ]);
    expect([...variables.get("seen")!.get()]).toEqual([7, 0, 0, 0]);
  });

  it("keeps the source's lines", () => {
    const program = read(source).programs.get("count")!;
    expect(lineAt(program, 5)).toMatchObject({ file: "count.s", line: 21, column: 3, text: "  call bump" });
    expect(lineAt(program, 9)).toMatchObject({ line: 13 });
  });

  it("makes a source without sections a program whose type the reader chooses", () => {
    const bytes = assembleElf("r0 = 2\nexit\n");
    expect(readObject(bytes).untyped.size).toBe(1);
    expect([...readObject(bytes, { type: "xdp" }).programs.values()]).toMatchObject([{ type: "xdp", name: "text" }]);
  });

  it("says where a map is of no known type, and that objects hold no address of a map's value", () => {
    expect(() => assembleElf("r0 = 0\nexit\n.map m hsh 4 4 1")).toThrow(
      new AssembleError('map m: there is no map type "hsh"', 3, 6),
    );
    expect(() => assembleElf(".map m array 4 4 1\n  r1 = map[m][0]+4\nexit")).toThrow(/^2:3: an object cannot refer/);
  });
});
