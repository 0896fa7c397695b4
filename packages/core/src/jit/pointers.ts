import { type ProgramFacts, pointerTypes } from "../verifier/index.js";

const { CTX, FLOW_KEYS, KIND, MAP_KEY, MAP_VALUE, MAYBE_NULL, MEM, PACKET, PACKET_META, STACK, UNTRUSTED, USER_MEM } =
  pointerTypes;

/** Pointers whose every access the verifier has shown to stay in memory that lies where the program sees it. */
const proved: ReadonlySet<number> = new Set([CTX, FLOW_KEYS, MAP_KEY, MAP_VALUE, MEM, PACKET, PACKET_META, STACK]);

/** Accesses that are checked in verified programs too: through typed kernel pointers, arenas, and what may be stale. */
export function riskySlots({ pointerTypes: types }: ProgramFacts): Set<number> {
  const risky = new Set<number>();
  types.forEach((type, slot) => {
    if (type !== 0 && (!proved.has(type & KIND) || (type & (MAYBE_NULL | UNTRUSTED | USER_MEM)) !== 0)) risky.add(slot);
  });
  return risky;
}
