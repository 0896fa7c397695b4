import type { Analysis } from "./analysis.js";
import { OFF, registerAt, TYPE } from "./domain/register.js";
import { requireUnmodified } from "./memory-region.js";
import {
  ALLOCATED,
  ARENA,
  BTF_ID,
  BUF,
  MAP_KEY,
  MAP_VALUE,
  MEM,
  NON_OWNING,
  PACKET,
  PACKET_META,
  RCU,
  READ_ONLY,
  RINGBUF_MEM,
  SCALAR,
  STACK,
  TRUSTED,
} from "./pointer-types.js";
import type { Walk } from "./walk.js";

/** Pointers that keep their offset when passed on. */
const anyOffset: ReadonlySet<number> = new Set([
  STACK,
  PACKET,
  PACKET_META,
  MAP_KEY,
  MAP_VALUE,
  MEM,
  MEM | READ_ONLY,
  MEM | RINGBUF_MEM,
  BUF,
  BUF | READ_ONLY,
  ARENA,
  SCALAR,
]);
const fixedOffset: ReadonlySet<number> = new Set([
  BTF_ID,
  BTF_ID | ALLOCATED,
  BTF_ID | TRUSTED,
  BTF_ID | RCU,
  BTF_ID | ALLOCATED | NON_OWNING,
  BTF_ID | ALLOCATED | NON_OWNING | RCU,
]);

/** May a pointer be passed on with the offset that it has? What is given away has to be as it came. */
export function checkArgumentOffset(walk: Walk, register: number, releases: boolean, isDynptr: boolean): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  if (releases) {
    if (isDynptr && type === STACK) return;
    if (records[at + OFF] !== 0) {
      analysis.invalid(
        "argument",
        `R${register} must have zero offset when passed to release func or trusted arg to kfunc`,
      );
    }
    requireUnmodified(analysis, register, false);
    return;
  }
  if (!anyOffset.has(type)) requireUnmodified(analysis, register, fixedOffset.has(type));
}
