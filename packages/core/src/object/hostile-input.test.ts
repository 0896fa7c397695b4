import { describe, expect, it } from "vitest";
import { ByteWriter, FormatError, NotSupportedError } from "../base/index.js";
import { readObject } from "./index.js";
import {
  buildElf,
  GLOBAL_FUNC,
  GLOBAL_NOTYPE,
  LOCAL_FUNC,
  relocation,
  type SectionDraft,
} from "./testing/elf-builder.js";
import { fixture } from "./testing/fixtures.js";

const PROGBITS = 1;
const NOBITS = 8;
const REL = 9;
const EXEC = 6;
/** r0 = 0; exit */
const RETURN = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

const xdp = (data: Uint8Array = RETURN, more: Partial<SectionDraft> = {}): SectionDraft => {
  return { name: "xdp", type: PROGBITS, flags: EXEC, data, ...more };
};

function repeat(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) all.set(bytes, i * bytes.length);
  return all;
}

/** call by `imm` slots */
const call = (imm: number) =>
  new ByteWriter()
    .u8(0x85)
    .u8(0x10)
    .u16(0)
    .u32(imm >>> 0)
    .finish();

function patched(name: string, change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = fixture(name);
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

function messageOf(bytes: Uint8Array, kind: typeof FormatError | typeof NotSupportedError = FormatError): string {
  try {
    readObject(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(kind);
    return (error as Error).message;
  }
  throw new Error("it was read");
}

describe("what is no BPF object", () => {
  it("is named where it can be", () => {
    expect(messageOf(new Uint8Array(0))).toContain("the file is empty");
    expect(messageOf(Uint8Array.of(0x42, 0x43, 0xc0, 0xde))).toContain("LLVM bitcode");
    expect(messageOf(new TextEncoder().encode("!<arch>\n"))).toContain("archive");
    expect(messageOf(new TextEncoder().encode("int main() {}"))).toContain("not an ELF object");
    expect(messageOf(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2))).toContain("header needs 64 bytes");
  });

  it("is refused as not supported when it is ELF of another kind", () => {
    const kind = NotSupportedError;
    const name = "sections.clang-19";
    expect(
      messageOf(
        patched(name, (bytes) => (bytes[4] = 1)),
        kind,
      ),
    ).toContain("32-bit");
    expect(
      messageOf(
        patched(name, (bytes) => (bytes[18] = 62)),
        kind,
      ),
    ).toContain("ELF machine 62");
    expect(
      messageOf(
        patched(name, (bytes) => (bytes[16] = 3)),
        kind,
      ),
    ).toContain("relocatable");
  });

  it("is accepted without a machine, as LLVM 3.7 wrote it", () => {
    const bytes = patched("sections.clang-19", (_, view) => view.setUint16(18, 0, true));
    expect(readObject(bytes).programs.size).toBe(9);
  });
});

describe("contradictions of an ELF object", () => {
  it("are format errors with their place", () => {
    expect(messageOf(buildElf([xdp(RETURN, { offset: 2n ** 64n - 8n })]))).toContain("is out of range");
    expect(messageOf(buildElf([xdp(RETURN, { size: 2n ** 64n - 1n })]))).toContain("is out of range");
    expect(messageOf(buildElf([xdp(RETURN, { size: 2 ** 32 - 8 })]))).toContain("reaches past the file's");
    expect(messageOf(buildElf([xdp(), xdp(RETURN, { offset: 72 })]))).toMatch(/sections \d and \d overlap/);
    expect(messageOf(buildElf([xdp(RETURN.subarray(0, 12))]))).toContain("no multiple of 8 (in xdp)");
    expect(messageOf(patched("maps.clang-19", (_, view) => view.setUint16(62, 999, true)))).toContain("section 999");
  });

  it("of symbols too", () => {
    const symbol = { name: "main", section: 1, info: GLOBAL_FUNC };
    expect(messageOf(buildElf([xdp()], [{ ...symbol, size: 24 }]))).toContain("function main");
    expect(messageOf(buildElf([xdp()], [{ ...symbol, value: 4, size: 8 }]))).toContain("function main");
    expect(messageOf(buildElf([xdp()], [{ ...symbol, value: 2 ** 41 }]))).toContain("function main");
    expect(messageOf(buildElf([xdp()], [{ ...symbol, section: 0xffff }]))).toContain("extended section numbers");
  });

  it("of relocations too", () => {
    const rel = (data: Uint8Array): SectionDraft => ({ name: ".relxdp", type: REL, data, info: 1 });
    const symbols = [{ name: "main", section: 1, info: GLOBAL_FUNC, size: 16 }];
    const read = (data: Uint8Array) => messageOf(buildElf([xdp(), rel(data)], symbols));
    expect(read(relocation(0, 1, 1))).toContain("neither load nor call");
    expect(read(relocation(4, 1, 1))).toContain("where no instruction starts");
    expect(read(relocation(800, 1, 1))).toContain("outside of xdp");
    expect(read(repeat(relocation(0, 1, 1), 2))).toContain("two relocations of one place");
    expect(messageOf(buildElf([xdp(call(-1)), rel(relocation(0, 10, 77))], [symbols[0]!]))).toContain("function main");
    const lone = [{ ...symbols[0]!, size: 8 }];
    expect(messageOf(buildElf([xdp(call(-1)), rel(relocation(0, 10, 77))], lone))).toContain("symbol 77 is none of");
    expect(messageOf(buildElf([xdp(call(-1)), rel(relocation(0, 1, 1))], lone))).toContain("10 is expected");
    expect(messageOf(buildElf([xdp(call(3))], lone))).toContain("no function starts at slot 4");
  });

  it("are found at every length that a file is cut to", () => {
    const whole = fixture("elf-maps.clang-19");
    for (let length = 0; length < whole.length; length += 7) {
      expect(() => readObject(whole.subarray(0, length))).toThrow(FormatError);
    }
  });
});

describe("old compilers", () => {
  it("wrote functions as NOTYPE symbols without a size", () => {
    const code = repeat(RETURN, 3);
    const spec = readObject(
      buildElf(
        [xdp(code)],
        [
          { name: "first", section: 1, info: GLOBAL_NOTYPE },
          { name: "LBB0_1", value: 8, section: 1, info: 0 },
          { name: "second", value: 16, section: 1, info: GLOBAL_NOTYPE },
        ],
      ),
    );
    expect([...spec.programs.values()].map(({ name, insns }) => [name, insns.length])).toEqual([
      ["first", 16],
      ["second", 32],
    ]);
  });

  it("and some left only the section", () => {
    const spec = readObject(buildElf([xdp(RETURN, { name: "classifier/in" })]));
    expect([...spec.programs.values()].map(({ name, type }) => [name, type])).toEqual([["classifier_in", "sched_cls"]]);
  });
});

describe("objects made to exhaust", () => {
  it("of 30,000 sections are read in linear time", () => {
    const sections = Array.from({ length: 30_000 }, (_, i) => xdp(RETURN, { name: `xdp/${i}` }));
    const start = performance.now();
    expect(readObject(buildElf(sections)).programs.size).toBe(30_000);
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it("of a million programs are refused", () => {
    const count = 1_000_000;
    const exit = RETURN.subarray(8);
    const symbols = Array.from({ length: count }, (_, i) => {
      return { name: `p${i.toString(36)}`, value: i * 8, size: 8, section: 1, info: GLOBAL_FUNC };
    });
    const bytes = buildElf([xdp(repeat(exit, count))], symbols);
    const start = performance.now();
    expect(messageOf(bytes, NotSupportedError)).toContain("more than 100000 programs");
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it("by symbols whose names all overlap are refused", () => {
    const long = "x".repeat(50_000);
    const bytes = buildElf(
      [xdp()],
      [
        { name: long, section: 1, info: GLOBAL_FUNC, size: 16 },
        ...Array(5000).fill({
          name: "",
          section: 1,
          info: 0,
        }),
      ],
    );
    // Each of the nameless symbols gets the tail of the long name.
    const view = new DataView(bytes.buffer);
    const table = bytes.length - 4 * 64;
    const symbolTable = Number(view.getBigUint64(table + 3 * 64 + 24, true));
    for (let i = 2; i < 5002; i++) view.setUint32(symbolTable + i * 24, i, true);
    expect(messageOf(bytes)).toContain("overlap too much");
  });

  it("by many programs that each call one huge subprogram are refused", () => {
    const huge = repeat(RETURN, 50_000);
    const count = 1000;
    const code = repeat(new Uint8Array([...call(-1), ...RETURN]), count);
    const relocations = new ByteWriter({ capacity: count * 16 });
    for (let i = 0; i < count; i++) relocations.raw(relocation(i * 24, 10, 1));
    const symbols = Array.from({ length: count }, (_, i) => {
      return { name: `p${i}`, value: i * 24, size: 24, section: 1, info: GLOBAL_FUNC };
    });
    const sections = [
      xdp(code),
      { name: ".text", type: PROGBITS, flags: EXEC, data: huge },
      { name: ".relxdp", type: REL, data: relocations.finish(), info: 1 },
    ];
    const bytes = buildElf(sections, [{ name: "huge", size: huge.length, section: 2, info: LOCAL_FUNC }, ...symbols]);
    expect(messageOf(bytes)).toContain("longer than");
  });

  it("by a chain of 100,000 calls are linked without recursion", () => {
    const count = 100_000;
    // Each function calls the next one, 3 slots further on, and returns; the last calls itself.
    const code = repeat(new Uint8Array([...call(2), ...RETURN]), count);
    code.set(call(-1), (count - 1) * 24);
    const symbols = Array.from({ length: count }, (_, i) => {
      return { name: `f${i}`, value: i * 24, size: 24, section: 1, info: i === 0 ? GLOBAL_FUNC : LOCAL_FUNC };
    });
    const { functions } = readObject(buildElf([xdp(code)], symbols)).programs.get("f0")!;
    expect(functions.length).toBe(count);
  });

  it("by gigabytes of .bss take no memory", () => {
    const bss = { name: ".bss", type: NOBITS, flags: 3, size: 2 ** 31 - 8 };
    const spec = readObject(buildElf([xdp(), bss]));
    expect(spec.maps.get(".bss")).toMatchObject({ valueSize: 2 ** 31 - 8, contents: [] });
    expect(messageOf(buildElf([xdp(), { ...bss, size: 2 ** 31 }]))).toContain("more than a map holds");
  });
});
