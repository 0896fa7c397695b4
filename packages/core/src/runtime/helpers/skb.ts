import { NetfilterContext } from "../contexts/index.js";
import type { Runtime } from "../runtime.js";
import { SkbContext } from "../skb-context.js";

/** The packet of the run in progress. Only programs with a `__sk_buff` get here once verified. */
export function skbContext(runtime: Runtime): SkbContext {
  const { context } = runtime.run;
  if (context instanceof NetfilterContext) return context.skb;
  return context instanceof SkbContext ? context : runtime.fault("the program's context is no __sk_buff");
}

/** Are the upper 32 bits of argument `index` (from 1) zero? For flags of which none is defined up there. */
export function isNarrow(runtime: Runtime, index: number): boolean {
  return runtime.registerHigh(index) === 0;
}
