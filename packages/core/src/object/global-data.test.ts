import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import type { ObjectSpec } from "../spec/index.js";
import { dataMapName } from "./global-data.js";
import { readObject } from "./index.js";
import { fixture } from "./testing/fixtures.js";

function read(name: string): ObjectSpec {
  return readObject(fixture(name), { name: "global-data.bpf.o" });
}

const all = ["global-data.clang-14", "global-data.clang-19", "global-data.clang-22", "global-data.big-endian"];

describe("global data", () => {
  it.each(all)("%s: becomes an array map a section", (name) => {
    const maps = [...read(name).maps].map(([key, map]) => [key, map.name, map.valueSize, map.flags, map.freeze]);
    expect(maps).toEqual([
      [".rodata", "global_d.rodata", 45, 0x480, true],
      [".data", "global_d.data", 34, 0x400, false],
      [".data.tuning", ".data.tuning", 2, 0x400, false],
      [".rodata.key", ".rodata.key", 4, 0x480, true],
      // Its only variable is hidden: user space gets no window on it.
      [".data.concealed", ".data.concealed", 4, 0, false],
      [".bss", "global_d.bss", 272, 0x400, false],
      [".bss.scratch", ".bss.scratch", 4, 0x400, false],
    ]);
  });

  it.each(all)("%s: has the variables' bytes, static ones too", (name) => {
    const { variables, byteOrder, btf } = read(name);
    const number = (variable: string) => {
      const bytes = variables.get(variable)!.get();
      return BigInt(`0x${Buffer.from(byteOrder === "big" ? bytes : bytes.reverse()).toString("hex")}`);
    };
    expect(number("limit")).toBe(1000n);
    expect(number("step")).toBe(0x1122334455667788n);
    expect(number("total")).toBe(41n);
    expect(number("calls")).toBe(7n);
    expect(number("offset")).toBe(0xfffen);
    expect(number("secret")).toBe(0xfeedc0den);
    expect(number("enabled")).toBe(0n);
    expect([...variables.get("table")!.get()]).toEqual(Array.from({ length: 16 }, (_, i) => i * i));
    expect(variables.get("points")).toMatchObject({ map: ".data", size: 24, constant: false });
    expect(variables.get("limit")!.constant).toBe(true);
    expect(btf!.type(variables.get("points")!.typeId).kind).toBe("array");
    expect(variables.get("use.runs")!.map).toBe(".bss");
  });

  it.each(all)("%s: is referred to by map and offset, into the middle as well", (name) => {
    const { programs, variables } = read(name);
    const places = programs.get("use")!.references.map((each) => each.kind === "map_value" && [each.map, each.offset]);
    for (const variable of ["limit", "step", "total", "calls", "enabled", "use.runs", "offset", "secret", "scratch"]) {
      const { map, offset } = variables.get(variable)!;
      expect(places, variable).toContainEqual([map, offset]);
    }
  });
});

describe("VariableSpec", () => {
  it("writes numbers in the variable's size and the object's byte order", () => {
    for (const name of ["global-data.clang-19", "global-data.big-endian"]) {
      const { variables, maps, byteOrder } = read(name);
      variables.get("limit")!.set(0x01020304);
      const bytes = [1, 2, 3, 4];
      expect([...variables.get("limit")!.get()]).toEqual(byteOrder === "big" ? bytes : bytes.reverse());
      variables.get("step")!.set(-1n);
      expect([...variables.get("step")!.get()]).toEqual(Array(8).fill(255));
      variables.get("enabled")!.set(true);
      const { value } = maps.get(".bss")!.contents[0]!;
      expect(value instanceof Uint8Array && value.length).toBe(272);
      expect([...variables.get("enabled")!.get()]).toEqual([1]);
    }
  });

  it("does not touch the object's bytes, nor another reading of them", () => {
    const bytes = fixture("global-data.clang-19");
    const [first, second] = [readObject(bytes), readObject(bytes)];
    first.variables.get("total")!.set(99);
    expect(second.variables.get("total")!.get()[0]).toBe(41);
    expect(bytes).toEqual(fixture("global-data.clang-19"));
  });

  it("refuses what does not fit", () => {
    const { variables, maps } = read("global-data.clang-19");
    const code = (action: () => void) => {
      try {
        action();
      } catch (error) {
        return error instanceof BpfError ? error.code : error;
      }
      return "no error";
    };
    expect(code(() => variables.get("calls")!.set(65536))).toBe("VARIABLE_RANGE");
    expect(code(() => variables.get("calls")!.set(-32769))).toBe("VARIABLE_RANGE");
    expect(code(() => variables.get("calls")!.set(1.5))).toBe("VARIABLE_RANGE");
    expect(code(() => variables.get("calls")!.set(new Uint8Array(3)))).toBe("VARIABLE_SIZE");
    expect(code(() => variables.get("table")!.set(1))).toBe("VARIABLE_SIZE");
    expect(code(() => variables.get("calls")!.set(65535))).toBe("no error");
    maps.delete(".data");
    expect(code(() => variables.get("calls")!.set(1))).toBe("VARIABLE_SIZE");
  });
});

describe("dataMapName", () => {
  it("is libbpf's", () => {
    expect(dataMapName("my_object_name", ".rodata")).toBe("my_objec.rodata");
    expect(dataMapName("my_object_name", ".bss")).toBe("my_objec.bss");
    expect(dataMapName("my_object_name", ".kconfig")).toBe("my_obje.kconfig");
    expect(dataMapName("my_object_name", ".rodata.abracadabra")).toBe(".rodata.abracad");
    expect(dataMapName("xdp-drop", ".data")).toBe("xdp_drop.data");
  });
});
