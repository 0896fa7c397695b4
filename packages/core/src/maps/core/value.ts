import { BPF_EXIST, BPF_F_LOCK, EINVAL } from "../../abi/index.js";
import { mapHeader } from "../layout.js";
import type { Expression } from "./expression.js";
import { copyBytes } from "./key.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

export interface ValueProcedures {
  /** `(map, to, from)`: one value, without its locks and timers. */
  readonly copy: Procedure<"map" | "to" | "from">;
  /** `(map, to, from)`: the value of a new element: its locks and timers start as zeroes. */
  readonly start: Procedure<"map" | "to" | "from">;
}

export function defineValues({ module }: CoreScope): ValueProcedures {
  const copy = defineProcedure(module, "copy_value", ["map", "to", "from"], (p) => {
    const { map, to, from } = p.params;
    const fields = p.let("fields", map.u32(mapHeader.FIELDS));
    const size = p.let("size", map.u32(mapHeader.VALUE_SIZE));
    p.if(fields.isZero(), () => {
      copyBytes(p, to, from, size);
      p.return(0);
    });
    const at = p.let("at", 0);
    p.loop(({ leave }) => {
      const next = p.let("next", fields.u32());
      p.copy(to.add(at), from.add(at), next.sub(at));
      p.if(next.eq(size), leave);
      p.set(at, next.add(fields.u32(4)));
      p.add(fields, 8);
    });
    p.return(0);
  });
  const start = defineProcedure(module, "start_value", ["map", "to", "from"], (p) => {
    const { map, to, from } = p.params;
    p.if(map.u32(mapHeader.FIELDS), () => p.zero(to, map.u32(mapHeader.VALUE_SIZE)));
    p.return(p.call(copy, map, to, from));
  });
  return { copy, start };
}

/**
 * Returns -EINVAL from the procedure for flags that no update takes: anything but ANY, NOEXIST and EXIST, and LOCK where
 * the value has no bpf_spin_lock.
 */
export function checkUpdateFlags(p: Procedure, map: Expression, flags: Expression): void {
  p.if(flags.and(~BPF_F_LOCK).gt(BPF_EXIST), () => p.return(-EINVAL));
  p.if(flags.and(BPF_F_LOCK), () => {
    p.if(map.u32(mapHeader.SPIN_LOCK).isZero(), () => p.return(-EINVAL));
  });
}

/** As {@link checkUpdateFlags} for types whose values can't hold a bpf_spin_lock. */
export function checkPlainFlags(p: Procedure, flags: Expression): void {
  p.if(flags.gt(BPF_EXIST), () => p.return(-EINVAL));
}
