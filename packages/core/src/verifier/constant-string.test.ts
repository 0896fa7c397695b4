import { expect, it } from "vitest";
import { type MapType, mapTypeId } from "../abi/index.js";
import { assemble } from "../isa/index.js";
import { MAP_READ_ONLY_PROGRAM } from "./input.js";
import { verify } from "./verify.js";

/** bpf_strncmp() with a string that is looked up in a map. */
const source = `
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  r1 = map[fd:7]
  call 1
  if r0 == 0 goto +5
  r1 = r10
  r1 += -8
  r2 = 4
  r3 = r0
  call 182
  r0 = 0
  exit`;

function verdict(type: MapType, maxEntries: number): string {
  const sizes = { type: mapTypeId(type), keySize: 4, valueSize: 8, maxEntries, flags: MAP_READ_ONLY_PROGRAM };
  const map = { name: "words", ...sizes, frozen: true, contents: Uint8Array.of(65, 66, 67, 0, 0, 0, 0, 0) };
  const answer = verify({ insns: assemble(source), type: "xdp", license: "GPL", maps: new Map([[7, map]]) });
  return answer.verdict === "accepted" ? "accepted" : answer.message;
}

// Verdicts are Linux 6.18's own for the same maps.
it.each<[MapType, number, string]>([
  ["array", 1, "accepted"],
  ["array", 2, "direct value access on string failed"],
  ["hash", 1, "no direct value access support for this map type"],
  ["percpu_array", 1, "no direct value access support for this map type"],
])("a constant string in a frozen map of type %s with %i entries", (type, maxEntries, expected) => {
  expect(verdict(type, maxEntries)).toBe(expected);
});
