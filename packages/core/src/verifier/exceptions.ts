import type { Analysis } from "./analysis.js";
import { checkResult } from "./exit.js";
import { checkLeaks } from "./references.js";
import type { Walk } from "./walk.js";

/** bpf_throw(): ends the program from any depth. Without a handler of its own, the cookie becomes the result. */
export function checkThrow(walk: Walk): void {
  const analysis: Analysis = walk.analysis;
  if (analysis.exceptionCallback === 0) checkResult(walk, 1);
  checkLeaks(analysis, "bpf_throw", true, true);
}
