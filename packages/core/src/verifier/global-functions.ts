import type { Walk } from "./walk.js";

/** Checks the caller's r1 to r5 against the types of a global function's parameters. */
export function checkGlobalArguments(walk: Walk, index: number): void {
  walk.analysis.notModelled(`call of the global function '${walk.analysis.subprograms[index]!.name}'`);
}
