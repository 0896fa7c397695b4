import type { MemoryAccess } from "./memory.js";
import type { Walk } from "./walk.js";

/** An access to a kernel object whose type is known. */
export function accessBtfObject(walk: Walk, _access: MemoryAccess, _offset: number): void {
  walk.analysis.notModelled("access to a kernel object through a typed pointer");
}

/** A load from the kernel's own description of a map. */
export function accessMapObject(walk: Walk, _access: MemoryAccess, _offset: number): void {
  walk.analysis.notModelled("access to struct bpf_map");
}
