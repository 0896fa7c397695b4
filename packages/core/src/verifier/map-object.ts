import { ENOTSUPP, EPERM, mapStruct, mapTypeName } from "../abi/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import { setLoaded } from "./btf-access.js";
import { OBJECT, registerAt } from "./domain/register.js";
import type { MemoryAccess } from "./memory-access.js";
import { walkStruct } from "./struct-walk.js";
import type { Walk } from "./walk.js";

/** A load from the kernel's own description of a map: `struct bpf_map` and what its type adds. */
export function accessMapObject(walk: Walk, access: MemoryAccess, offset: number): void {
  const analysis: Analysis = walk.analysis;
  const { register, size, value } = access;
  const map = analysis.mapOf(analysis.frame.records[registerAt(register) + OBJECT]!);
  const mapType = mapTypeName(map.type);
  const struct = mapType === undefined ? undefined : mapStruct(mapType);
  if (struct === undefined) {
    analysis.reject("memory_access", ENOTSUPP, `map_ptr access not supported for map type ${map.type}`);
  }
  if (analysis.hidesPointers()) {
    const message = `'struct ${struct}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`;
    analysis.reject("permission", EPERM, message);
  }
  if (offset < 0) {
    analysis.deny("memory_access", `R${register} is ${struct} invalid negative access: off=${offset}`);
  }
  if (access.write) analysis.deny("memory_access", `only read from ${struct} is supported`);
  const [typeId] = analysis.kernelTypes?.find(struct, "struct") ?? [];
  if (typeId === undefined) analysis.notModelled(`struct ${struct} without the kernel's types`);
  const place = walkStruct(analysis, analysis.typesOf(KERNEL_TYPES), typeId, offset, size);
  if (value < 0) return;
  setLoaded(analysis, value, KERNEL_TYPES, place, place.kind === "pointer" ? place.flags : 0);
}
