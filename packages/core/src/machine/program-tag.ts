import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, SLOT_SIZE } from "../isa/index.js";
import type { ProgramSpec } from "../spec/index.js";
import { sha256 } from "./sha256.js";

const TAG_BYTES = 8;

/**
 * A program's tag, in hex: the first 8 bytes of the SHA-256 over its instructions as they were loaded, without what names
 * maps. Kernel 6.18 computes it so (older ones by SHA-1); programs that refer to maps only, and to no kernel functions,
 * have the same tag everywhere.
 */
export function programTag(spec: ProgramSpec): string {
  const bytes = spec.insns.slice();
  for (const { kind, slot } of spec.references) {
    if (kind !== "map" && kind !== "map_value") continue;
    const at = slot * SLOT_SIZE;
    bytes[at + 1] = (bytes[at + 1]! & 0x0f) | ((kind === "map" ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE) << 4);
    bytes.fill(0, at + 4, at + 8);
    bytes.fill(0, at + SLOT_SIZE + 4, at + 2 * SLOT_SIZE);
  }
  const digest = sha256(bytes).subarray(0, TAG_BYTES);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
