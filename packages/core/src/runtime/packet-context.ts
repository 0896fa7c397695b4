import type { RunContext } from "./run-stack.js";

/** A context with a packet behind it, as the helpers for packets need it. Addresses are in linear memory. */
export interface PacketContext extends RunContext {
  /** Bytes of the packet, in every part of it. */
  readonly length: number;
  /** Copies packet bytes to `to`. False where they reach beyond the packet; nothing is copied then. */
  read(offset: number, to: number, length: number): boolean;
  /** The packet's bytes, a copy. */
  bytes(): Uint8Array;
}
