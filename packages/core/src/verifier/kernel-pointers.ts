import type { MapField } from "./map-fields.js";
import type { MemoryAccess } from "./memory.js";
import type { Walk } from "./walk.js";

/** A load or store of a kernel pointer in a map's value. */
export function accessKernelPointer(walk: Walk, _access: MemoryAccess, field: MapField): void {
  walk.analysis.notModelled(`a ${field.name} in a map's value`);
}
