import { type DecodedProgram, targetOf } from "./decoded-program.js";
import { MAX_CALL_FRAMES } from "./execution-area.js";

/**
 * Frames that a program may nest at most, its own included: what has to be free behind the frame that a tail call hands
 * over. {@link MAX_CALL_FRAMES} where it can't be told: functions that call each other in a circle, callx.
 */
export function callFrames(program: DecodedProgram): number {
  const callees = calleesOf(program);
  if (callees === undefined) return MAX_CALL_FRAMES;
  const frames = new Map<number, number>();
  const count = (entry: number, depth: number): number => {
    if (depth >= MAX_CALL_FRAMES) return 1;
    const known = frames.get(entry);
    if (known !== undefined) return known;
    let deepest = 0;
    for (const callee of callees.get(entry) ?? []) deepest = Math.max(deepest, count(callee, depth + 1));
    if (depth + deepest + 1 <= MAX_CALL_FRAMES) frames.set(entry, deepest + 1);
    return deepest + 1;
  };
  return Math.min(MAX_CALL_FRAMES, count(0, 0));
}

/** The functions that each function calls, or hands over as a callback, by first slots; undefined where callx calls any. */
function calleesOf(program: DecodedProgram): Map<number, Set<number>> | undefined {
  const calls: [slot: number, callee: number][] = [];
  for (let slot = 0; slot < program.slots.length; slot++) {
    const row = program.rows[slot];
    if (row?.kind === "call" && row.target === "register") return undefined;
    if (row?.kind !== "call" && row?.kind !== "load_imm64") continue;
    const callee = targetOf(program, slot);
    if (callee !== undefined) calls.push([slot, callee]);
  }
  const entries = [0, ...calls.map(([, callee]) => callee)].sort((a, b) => a - b);
  const callees = new Map<number, Set<number>>();
  let at = 0;
  for (const [slot, callee] of calls) {
    // Functions follow one another: the one that the call is in starts last before it.
    while (at + 1 < entries.length && entries[at + 1]! <= slot) at++;
    const caller = entries[at]!;
    callees.set(caller, (callees.get(caller) ?? new Set()).add(callee));
  }
  return callees;
}
