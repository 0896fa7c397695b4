import type { LinearMemory } from "../wasm/index.js";
import { area, FRAME_SIZE, STACK_SIZE } from "./execution-area.js";
import type { RegionTable } from "./region-table.js";

/**
 * What `check_access` (region-check.ts) answers in generated code, for ranges of any size: whether the run of an
 * execution area may access all of them. An empty range may be anywhere.
 */
export function isAccessible(
  memory: LinearMemory,
  regions: RegionTable,
  at: number,
  { address, size, write }: { readonly address: number; readonly size: number; readonly write: boolean },
): boolean {
  if (size === 0) return true;
  const word = (offset: number) => memory.u32[(at + offset) >> 2]!;
  const end = address + size;
  const frame = address - at - area.frames;
  if (frame >= 0 && frame < (word(area.depth) + 1) * FRAME_SIZE) return (frame % FRAME_SIZE) + size <= STACK_SIZE;
  if (address >= word(area.packetStart) && end <= word(area.packetEnd)) return true;
  if (address >= word(area.contextStart) && end <= word(area.contextEnd)) return true;
  const region = regions.find(address);
  if (region === undefined) return false;
  const offset = (address - region.start) % region.stride;
  const within = (part: { readonly offset: number; readonly size: number }) =>
    offset >= part.offset && offset + size <= part.offset + part.size;
  if (within(region)) return region.writable || !write;
  return region.readable !== undefined && within(region.readable) && !write;
}
