import type { Walk } from "./walk.js";

/** A call of a kernel function. True where it ends the path. */
export function stepKfuncCall(walk: Walk): boolean {
  return walk.analysis.notModelled("calls of kernel functions");
}
