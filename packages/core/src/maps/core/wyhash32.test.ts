import { describe, expect, it } from "vitest";
import { ModuleBuilder, webAssembly } from "../../wasm/index.js";
import { keyShape, keyShapes } from "./key.js";
import { defineProcedure } from "./procedure.js";
import { emitHash, startHash } from "./wyhash32.js";

/** [seed, length, hash] of bytes 11, 48, 85 ... (i * 37 + 11), by the reference implementation. */
const vectors = [
  [0, 1, 1083465899],
  [0, 2, 825957606],
  [0, 3, 3598946348],
  [0, 4, 3841299689],
  [0, 5, 2068613670],
  [0, 7, 3801134301],
  [0, 8, 4182999950],
  [0, 9, 1294091720],
  [0, 12, 2454905710],
  [0, 13, 4208909374],
  [0, 16, 3486418466],
  [0, 17, 3074426850],
  [0, 24, 3565817302],
  [0, 40, 665097284],
  [0, 64, 2924484476],
  [1, 1, 1263741987],
  [1, 2, 3687155170],
  [1, 3, 4148104075],
  [1, 4, 851422860],
  [1, 5, 2262535712],
  [1, 7, 2102345922],
  [1, 8, 3626579651],
  [1, 9, 3081259078],
  [1, 12, 1953552661],
  [1, 13, 395844859],
  [1, 16, 1886389847],
  [1, 17, 1759574517],
  [1, 24, 2941863535],
  [1, 40, 2767577734],
  [1, 64, 4101973300],
  [3735928559, 1, 2291080130],
  [3735928559, 2, 2589993056],
  [3735928559, 3, 2085779788],
  [3735928559, 4, 2769849148],
  [3735928559, 5, 2183620380],
  [3735928559, 7, 1617110420],
  [3735928559, 8, 1270811351],
  [3735928559, 9, 3636313354],
  [3735928559, 12, 235730366],
  [3735928559, 13, 730895275],
  [3735928559, 16, 924633225],
  [3735928559, 17, 3017966921],
  [3735928559, 24, 1982873719],
  [3735928559, 40, 1647031960],
  [3735928559, 64, 2641145652],
] as const;

const hashes = (() => {
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", { minimum: 1 });
  for (const shape of keyShapes) {
    const hash = defineProcedure(module, shape, ["key", "size", "a", "b"], (p) => {
      const { key, size, a, b } = p.params;
      p.return(emitHash(p, shape, key, size, a, b));
    });
    module.exportFunction(shape, hash.index);
  }
  const { Memory, Module, Instance } = webAssembly();
  const memory = new Memory({ initial: 1 });
  new Uint8Array(memory.buffer).set(Array.from({ length: 64 }, (_, at) => at * 37 + 11));
  const instance = new Instance(new Module(module.finish()), { env: { memory } });
  return instance.exports as Record<string, (key: number, size: number, a: number, b: number) => number>;
})();

describe("wyhash32", () => {
  it.each(vectors)("seed %i, %i bytes", (seed, length, expected) => {
    const { a, b } = startHash(seed, length);
    expect(hashes["any"]!(0, length, a, b) >>> 0).toBe(expected);
    expect(hashes[keyShape(length)]!(0, length, a, b) >>> 0).toBe(expected);
  });

  it("skips the seeds that its author warns of", () => {
    expect(startHash(0x429dacdd, 4)).not.toEqual(startHash(0x429dacdd ^ 2, 4));
    expect(startHash(0x429dacdd, 4)).toEqual(startHash(0x429dacdc, 4));
  });
});
