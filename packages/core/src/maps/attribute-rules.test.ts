import { describe, expect, it } from "vitest";
import { errnoName, type MapType } from "../abi/index.js";
import { checkAttributes } from "./attribute-rules.js";
import type { MapAttributes } from "./attributes.js";
import { attributeCases } from "./testing/attribute-cases.js";

function answer(attributes: MapAttributes): string {
  const errno = checkAttributes(attributes);
  return errno === 0 ? "ok" : errnoName(errno);
}

describe.each(Object.entries(attributeCases))("attributes of %s", (name, cases) => {
  const [keySize, valueSize, maxEntries, flags = 0] = cases.base;
  const base: MapAttributes = { type: name as MapType, keySize, valueSize, maxEntries, flags };

  it("takes the base", () => expect(answer(base)).toBe("ok"));

  for (const field of ["flags", "keySize", "valueSize", "maxEntries", "mapExtra"] as const) {
    const expected = cases[field];
    if (expected === undefined) continue;
    it(`answers as the kernel to ${field}`, () => {
      const given: Record<string, number[]> = {};
      for (const value of Object.values(expected).flat()) {
        const changed = { flags: flags | value, mapExtra: BigInt(value) }[field as "flags"] ?? value;
        const result = answer({ ...base, [field]: changed });
        given[result] = [...(given[result] ?? []), value];
      }
      expect(sorted(given)).toEqual(sorted(expected));
    });
  }
});

function sorted(groups: Readonly<Record<string, readonly number[]>>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(groups).map(([key, values]) => [key, [...values].sort((a, b) => a - b)]));
}

describe("attributes of any type", () => {
  const array: MapAttributes = { type: "array", keySize: 4, valueSize: 4, maxEntries: 1 };

  it("takes names that the kernel takes", () => {
    expect(answer({ ...array, name: "a.b_1" })).toBe("ok");
    for (const name of ["a b", "a-b", "x".repeat(16)]) expect(answer({ ...array, name })).toBe("EINVAL");
  });

  it("takes nothing that is no u32", () => {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
      for (const field of ["keySize", "valueSize", "maxEntries", "flags"]) {
        expect(answer({ ...array, [field]: value })).toBe("EINVAL");
      }
    }
  });

  it("knows only NUMA node 0", () => {
    expect(answer({ ...array, flags: 4, numaNode: 0 })).toBe("ok");
    expect(answer({ ...array, flags: 4, numaNode: 5 })).toBe("EINVAL");
    expect(answer({ ...array, numaNode: 5 })).toBe("ok");
  });
});
