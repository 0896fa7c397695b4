import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BpfError, FormatError } from "../base/index.js";
import {
  type Btf,
  checkBtf,
  decodeValue,
  dedupBtf,
  encodeBtf,
  findMember,
  formatValue,
  memberAtBit,
  ownTypes,
  parseBtf,
  parseBtfExt,
  printC,
  printRaw,
  printTypeScript,
} from "./index.js";

/** A section of an ELF object, found by name the short way; these objects are ours. */
function sectionOf(bytes: Uint8Array, name: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = Number(view.getBigUint64(0x28, true));
  const header = (index: number) => table + index * 64;
  const names = Number(view.getBigUint64(header(view.getUint16(0x3e, true)) + 24, true));
  for (let index = 0; index < view.getUint16(0x3c, true); index++) {
    const at = names + view.getUint32(header(index), true);
    const own = new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
    const start = Number(view.getBigUint64(header(index) + 24, true));
    if (own === name) return bytes.slice(start, start + Number(view.getBigUint64(header(index) + 32, true)));
  }
  throw new Error(`no section ${name}`);
}

const object = new Uint8Array(readFileSync(new URL("../../../../testdata/btf/layouts.clang-22.o", import.meta.url)));
const program = new Uint8Array(readFileSync(new URL("../../../../testdata/core/local.clang-22.o", import.meta.url)));
const sections = [sectionOf(object, ".BTF"), sectionOf(program, ".BTF")];

/** All that is done with a graph; every part of it may refuse with an error of ours, and has to end. */
function useEverything(btf: Btf): void {
  const attempt = (what: () => unknown) => {
    try {
      what();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
    }
  };
  attempt(() => printRaw(btf));
  attempt(() => printC(btf));
  attempt(() => printTypeScript(btf));
  attempt(() => checkBtf(btf));
  attempt(() => dedupBtf(btf));
  attempt(() => encodeBtf(ownTypes(btf)));
  for (let id = 0; id < btf.length; id++) {
    const size = Math.min(btf.size(id) ?? 0, 4096);
    attempt(() => decodeValue(btf, id, new Uint8Array(size)));
    attempt(() => formatValue(btf, id, new Uint8Array(size)));
    attempt(() => findMember(btf, id, "missing"));
    attempt(() => memberAtBit(btf, id, 13));
    attempt(() => btf.find(btf.name(id)));
  }
}

function parsed(bytes: Uint8Array): Btf | undefined {
  try {
    return parseBtf(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).section).toBe(".BTF");
    expect((error as FormatError).offset).toBeTypeOf("number");
    return undefined;
  }
}

const mutation = fc.record({
  section: fc.constantFrom(...sections),
  words: fc.array(
    fc.record({
      at: fc.nat(20_000),
      value: fc.oneof(
        fc.nat(120),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.constantFrom(0xffffffff, 0x80000000, 0x0400ffff),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

describe("mutated BTF", () => {
  it("is refused with a place, or does no harm anywhere", () => {
    const seen = { refused: 0, taken: 0 };
    fc.assert(
      fc.property(mutation, ({ section, words }) => {
        const bytes = section.slice();
        const view = new DataView(bytes.buffer);
        for (const { at, value } of words) view.setUint32((at * 4) % (bytes.length - 4), value, true);
        const btf = parsed(bytes);
        seen[btf === undefined ? "refused" : "taken"]++;
        if (btf !== undefined) useEverything(btf);
      }),
      { numRuns: 250, seed: 7 },
    );
    expect(seen.refused).toBeGreaterThan(30);
    expect(seen.taken).toBeGreaterThan(30);
  });

  it("is refused wherever it is cut off", () => {
    const [bytes] = sections;
    for (let length = 0; length < bytes!.length; length += 7) {
      expect(() => parseBtf(bytes!.subarray(0, length))).toThrow(FormatError);
    }
  });

  it("doesn't get .BTF.ext past its reader either", () => {
    const btf = parseBtf(sections[1]!);
    const ext = sectionOf(program, ".BTF.ext");
    expect(parseBtfExt(ext, btf).coreRelocations.size).toBeGreaterThan(5);
    fc.assert(
      fc.property(fc.nat(ext.length / 4), fc.integer({ min: 0, max: 0xffffffff }), (at, value) => {
        const bytes = ext.slice();
        new DataView(bytes.buffer).setUint32(Math.min(at * 4, bytes.length - 4), value, true);
        try {
          parseBtfExt(bytes, btf);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
