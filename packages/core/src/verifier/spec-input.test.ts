import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { createMap, createObject, createProgram, type MapSpec } from "../spec/index.js";
import { MAP_READ_ONLY_PROGRAM } from "./input.js";
import { verifierInput } from "./spec-input.js";
import { verify } from "./verify.js";

const key = new Uint8Array(4);
const three = { key, value: Uint8Array.of(0, 0, 0, 0, 3, 0, 0, 0) };

/** Reads the map's second word, and something that was never written unless it is 3. */
function verdict(map: Partial<MapSpec>): string {
  const limits = createMap({
    ...{ name: "limits", type: "array", keySize: 4, valueSize: 8, maxEntries: 1 },
    ...{ flags: MAP_READ_ONLY_PROGRAM, freeze: true, contents: [three], ...map },
  });
  const program = createProgram({
    name: "filter",
    type: "xdp",
    insns: assemble("r1 = 0 ll\nr0 = *(u32 *)(r1 + 4)\nif r0 == 3 goto +1\nr0 = r9\nr0 = 0\nexit"),
    references: [{ slot: 0, kind: "map_value", map: "limits", offset: 0 }],
  });
  const answer = verify(verifierInput(createObject({ maps: [limits], programs: [program] }), program, undefined));
  return answer.verdict === "accepted" ? "accepted" : answer.message;
}

// Verdicts are Linux 6.18's own for the same maps, filled and frozen before the load.
describe("what a map of the object holds", () => {
  it("is known where no one can write it any more", () => {
    expect(verdict({})).toBe("accepted");
    expect(verdict({ dataSection: ".rodata" })).toBe("accepted");
  });

  it("is zeros where the object says nothing", () => {
    expect(verdict({ contents: [] })).toBe("R9 !read_ok");
  });

  it("is not known where user space or programs may write", () => {
    expect(verdict({ freeze: false })).toBe("R9 !read_ok");
    expect(verdict({ flags: 0 })).toBe("R9 !read_ok");
  });
});
