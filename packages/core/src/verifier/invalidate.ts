import type { Analysis } from "./analysis.js";
import { clearRegister, TYPE } from "./domain/register.js";
import { forEachRegister } from "./linked-scalars.js";
import { isPacketSlice, KIND, NOT_INIT, PACKET, PACKET_END, PACKET_META } from "./pointer-types.js";
import { setUnknownScalar } from "./registers.js";

/** A pointer that no longer points anywhere: a scalar to programs that may know pointers, nothing to others. */
export function setUnreadable(analysis: Analysis, r: Int32Array, at: number): void {
  if (!analysis.hidesPointers()) setUnknownScalar(analysis, r, at);
  else {
    clearRegister(r, at);
    r[at + TYPE] = NOT_INIT;
  }
}

/** The packet may have moved: no pointer into it is good any more. */
export function forgetPacketPointers(analysis: Analysis): void {
  forEachRegister(analysis.state, (r, at) => {
    const kind = r[at + TYPE]! & KIND;
    if (kind === PACKET || kind === PACKET_META || kind === PACKET_END || isPacketSlice(r[at + TYPE]!))
      setUnreadable(analysis, r, at);
  });
}
