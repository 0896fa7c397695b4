import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, ENOENT, ENOMEM } from "../../abi/index.js";
import { ELEMENT_LIVE, element, hashSlot, mapHeader } from "../layout.js";
import { elementAt, markDead, markLive, type PoolProcedures } from "./element-pool.js";
import type { Expression, Variable } from "./expression.js";
import { emitMapHash, emitSearch, type KeyOffset, type TableProcedures } from "./hash-table.js";
import { copyBytes, type KeyShape, keyShapes } from "./key.js";
import { type Callable, defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import { checkPlainFlags, checkUpdateFlags, type ValueProcedures } from "./value.js";

type KeyProcedure = Procedure<"map" | "key">;
type UpdateProcedure = Procedure<"map" | "key" | "value" | "flags">;

/** Lookups by shape of the key, and one that chooses. */
export type LookupFamily = Readonly<Record<KeyShape, KeyProcedure>> & { readonly choose: KeyProcedure };

/**
 * Lookups that return what `result` makes of the found element, or 0.
 */
export function defineLookups(
  { module }: CoreScope,
  name: string,
  keyOffset: KeyOffset,
  result: (p: Procedure, map: Expression, found: Expression) => Expression,
): LookupFamily {
  const lookups = {} as Record<KeyShape, KeyProcedure>;
  for (const shape of keyShapes) {
    lookups[shape] = defineProcedure(module, `${name}_${shape}`, ["map", "key"], (p) => {
      const { map, key } = p.params;
      const size = p.let("size", map.u32(mapHeader.KEY_SIZE));
      const hash = emitMapHash(p, shape, map, key, size);
      emitSearch(p, shape, keyOffset, map, key, size, hash, (_, found) => p.return(result(p, map, found)));
      p.return(0);
    });
  }
  const choose = defineProcedure(module, name, ["map", "key"], (p) => {
    const { map, key } = p.params;
    const size = p.let("size", map.u32(mapHeader.KEY_SIZE));
    p.if(size.sub(12).le(4), () => p.return(p.call(lookups["12to16"], map, key)));
    p.if(size.eq(4), () => p.return(p.call(lookups["4"], map, key)));
    p.if(size.eq(8), () => p.return(p.call(lookups["8"], map, key)));
    p.return(p.call(lookups.any, map, key));
  });
  return { ...lookups, choose };
}

/** Address of the element's value. */
export function valueAddress(map: Expression, found: Expression): Expression {
  return found.add(map.u32(mapHeader.VALUE_OFFSET));
}

/** Address of a CPU's value of an element of a per-CPU map. */
export function perCpuValueAddress(map: Expression, found: Expression, cpu: Expression): Expression {
  return valueAddress(map, found)
    .u32()
    .add(cpu.mul(map.u32(mapHeader.CPU_STRIDE)));
}

/** `(map, key or 0, next) -> 0, or -ENOENT at the end`: keys in the order of the pool. */
export function defineNextKey({ module }: CoreScope, name: string, keyOffset: KeyOffset, table: TableProcedures) {
  return defineProcedure(module, name, ["map", "key", "next"], (p) => {
    const { map, key, next } = p.params;
    const index = p.let("index", 0);
    p.if(key, () => {
      const slot = p.let("slot", p.call(table.find, map, key, p.call(table.hash, map, key)));
      p.if(slot, () => {
        const state = slot.u32(hashSlot.ELEMENT).u32(element.STATE);
        p.set(index, state.and(~ELEMENT_LIVE).add(1));
      });
    });
    const used = p.let("used", map.u32(mapHeader.USED));
    p.loop(({ leave }) => {
      p.if(index.ge(used), leave);
      const candidate = p.let("candidate", elementAt(map, index));
      p.if(candidate.u32(element.STATE).and(ELEMENT_LIVE | 0), () => {
        p.copy(next, candidate.add(keyOffset), map.u32(mapHeader.KEY_SIZE));
        p.return(0);
      });
      p.add(index, 1);
    });
    p.return(-ENOENT);
  });
}

/** Zeroes every CPU's value of a new element and copies the given one to the running CPU's. */
export function emitPerCpuStart(
  p: Procedure,
  scope: CoreScope,
  values: Callable,
  map: Expression,
  made: Expression,
  value: Expression,
): void {
  const cpu = p.let("each", 0);
  p.loop(({ leave }) => {
    p.if(cpu.ge(map.u32(mapHeader.CPUS)), leave);
    p.zero(perCpuValueAddress(map, made, cpu), map.u32(mapHeader.VALUE_SIZE));
    p.add(cpu, 1);
  });
  p.do(p.call(values, map, perCpuValueAddress(map, made, scope.cpu), value));
}

/** What the hash maps without LRU need of each other. */
export interface HashParts {
  readonly table: TableProcedures;
  readonly pool: PoolProcedures;
  readonly values: ValueProcedures;
}

/** Hash: an update makes a new element even of a key that is there, so pointers to the old value keep what they show. */
export function defineHashUpdate({ module, cpu }: CoreScope, { table, pool, values }: HashParts): UpdateProcedure {
  return defineProcedure(module, "hash_update", ["map", "key", "value", "flags"], (p) => {
    const { map, key, value, flags } = p.params;
    checkUpdateFlags(p, map, flags);
    const hash = p.let("hash", p.call(table.hash, map, key));
    const slot = p.let("slot", p.call(table.find, map, key, hash));
    const made = p.let("made", 0);
    const fill = () => {
      copyBytes(p, made.add(element.KEY), key, map.u32(mapHeader.KEY_SIZE));
      p.do(p.call(values.start, map, valueAddress(map, made), value));
      markLive(p, made);
    };
    p.if(slot, () => {
      const old = p.let("old", slot.u32(hashSlot.ELEMENT));
      p.if(flags.and(BPF_F_LOCK), () => {
        p.if(flags.and(BPF_NOEXIST), () => p.return(-EEXIST));
        p.do(p.call(values.copy, map, valueAddress(map, old), value));
        p.return(0);
      });
      p.if(flags.eq(BPF_NOEXIST), () => p.return(-EEXIST));
      const spare = p.let("spare", map.u32(mapHeader.SPARES));
      p.if(
        spare,
        () => {
          p.add(spare, cpu.shl(2));
          p.set(made, spare.u32());
          p.store32(spare, 0, old);
        },
        () => {
          const before = p.let("table_before", map.u32(mapHeader.TABLE));
          p.set(made, p.call(pool.take, map));
          // More memory can have meant a larger table.
          p.if(before.ne(map.u32(mapHeader.TABLE)), () => p.set(slot, p.call(table.find, map, key, hash)));
        },
      );
      p.if(made.isZero(), () => p.return(-ENOMEM));
      fill();
      p.store32(slot, hashSlot.ELEMENT, made);
      markDead(p, old);
      p.if(spare.isZero(), () => p.do(p.call(pool.give, map, old)));
      p.return(0);
    });
    emitNewElement(p, map, flags, pool, made);
    fill();
    p.do(p.call(table.insert, map, hash, made));
    p.add32(map, mapHeader.COUNT, 1);
    p.return(0);
  });
}

/** The checks for a key that isn't there, and an element for it. */
function emitNewElement(p: Procedure, map: Expression, flags: Expression, pool: PoolProcedures, made: Variable): void {
  p.if(flags.and(BPF_EXIST), () => p.return(-ENOENT));
  p.if(map.u32(mapHeader.COUNT).ge(map.u32(mapHeader.MAX_ENTRIES)), () => p.return(-E2BIG));
  p.set(made, p.call(pool.take, map));
  p.if(made.isZero(), () => p.return(-ENOMEM));
}

/** Per-CPU hash: an update of a key that is there writes the running CPU's value in place. */
export function definePerCpuHashUpdate(scope: CoreScope, { table, pool, values }: HashParts): UpdateProcedure {
  return defineProcedure(scope.module, "percpu_hash_update", ["map", "key", "value", "flags"], (p) => {
    const { map, key, value, flags } = p.params;
    checkPlainFlags(p, flags);
    const hash = p.let("hash", p.call(table.hash, map, key));
    const slot = p.let("slot", p.call(table.find, map, key, hash));
    p.if(slot, () => {
      p.if(flags.eq(BPF_NOEXIST), () => p.return(-EEXIST));
      p.do(p.call(values.copy, map, perCpuValueAddress(map, slot.u32(hashSlot.ELEMENT), scope.cpu), value));
      p.return(0);
    });
    const made = p.let("made", 0);
    emitNewElement(p, map, flags, pool, made);
    copyBytes(p, made.add(element.KEY), key, map.u32(mapHeader.KEY_SIZE));
    emitPerCpuStart(p, scope, values.copy, map, made, value);
    markLive(p, made);
    p.do(p.call(table.insert, map, hash, made));
    p.add32(map, mapHeader.COUNT, 1);
    p.return(0);
  });
}

/** Deletion; `give` takes the element back. */
export function defineHashDelete(
  { module }: CoreScope,
  name: string,
  table: TableProcedures,
  give: PoolProcedures["give"],
): KeyProcedure {
  return defineProcedure(module, name, ["map", "key"], (p) => {
    const { map, key } = p.params;
    const slot = p.let("slot", p.call(table.find, map, key, p.call(table.hash, map, key)));
    p.if(slot.isZero(), () => p.return(-ENOENT));
    const old = p.let("old", slot.u32(hashSlot.ELEMENT));
    p.do(p.call(table.remove, map, slot));
    markDead(p, old);
    p.add32(map, mapHeader.COUNT, -1);
    p.do(p.call(give, map, old));
    p.return(0);
  });
}
