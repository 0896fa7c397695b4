import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL } from "../../abi/index.js";
import { handleSlot, mapHeader } from "../layout.js";
import type { Expression } from "./expression.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import { checkUpdateFlags, type ValueProcedures } from "./value.js";

/** Address of an entry; the index is not checked. */
export function entryAt(map: Expression, index: Expression): Expression {
  return map.u32(mapHeader.STORAGE).add(index.mul(map.u32(mapHeader.STRIDE)));
}

function defineIndexed(
  scope: CoreScope,
  name: string,
  result: (p: Procedure, entry: Expression, map: Expression) => void,
) {
  return defineProcedure(scope.module, name, ["map", "key"], (p) => {
    const { map, key } = p.params;
    const index = p.let("index", key.u32());
    p.if(index.ge(map.u32(mapHeader.MAX_ENTRIES)), () => p.return(0));
    result(p, p.let("entry", entryAt(map, index)), map);
  });
}

/** An entry that may be updated; else the procedure returns the errno, in the kernel's order of checks. */
function emitCheckedEntry(p: Procedure, map: Expression, key: Expression, flags: Expression): Expression {
  p.if(flags.and(~BPF_F_LOCK).gt(BPF_EXIST), () => p.return(-EINVAL));
  const index = p.let("index", key.u32());
  p.if(index.ge(map.u32(mapHeader.MAX_ENTRIES)), () => p.return(-E2BIG));
  p.if(flags.and(~BPF_F_LOCK).eq(BPF_NOEXIST), () => p.return(-EEXIST));
  checkUpdateFlags(p, map, flags);
  return p.let("entry", entryAt(map, index));
}

export function defineArrays(scope: CoreScope, values: ValueProcedures) {
  const lookup = defineIndexed(scope, "array_lookup", (p, entry) => p.return(entry));
  const perCpuLookup = defineIndexed(scope, "percpu_array_lookup", (p, entry, map) => {
    p.return(entry.add(scope.cpu.mul(map.u32(mapHeader.CPU_STRIDE))));
  });
  /** An inner map's header. */
  const handleLookup = defineIndexed(scope, "array_of_maps_lookup", (p, entry) =>
    p.return(entry.u32(handleSlot.HANDLE)),
  );
  /** A device's, CPU's or socket's entry, where there is one. */
  const slotLookup = defineIndexed(scope, "redirect_array_lookup", (p, entry) => {
    p.if(entry.u32(handleSlot.HANDLE).isZero(), () => p.return(0));
    p.return(entry);
  });
  const update = defineProcedure(scope.module, "array_update", ["map", "key", "value", "flags"], (p) => {
    const { map, key, value, flags } = p.params;
    const entry = emitCheckedEntry(p, map, key, flags);
    p.return(p.call(values.copy, map, entry, value));
  });
  const perCpuUpdate = defineProcedure(scope.module, "percpu_array_update", ["map", "key", "value", "flags"], (p) => {
    const { map, key, value, flags } = p.params;
    const entry = emitCheckedEntry(p, map, key, flags);
    p.return(p.call(values.copy, map, entry.add(scope.cpu.mul(map.u32(mapHeader.CPU_STRIDE))), value));
  });
  return { lookup, perCpuLookup, handleLookup, slotLookup, update, perCpuUpdate };
}
