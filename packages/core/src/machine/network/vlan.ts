import { ETH_P_8021AD, ETH_P_8021Q } from "../../abi/index.js";
import type { LinearMemory } from "../../wasm/index.js";
import type { Frame } from "./frame.js";

const ADDRESSES = 12;
const TAG = 4;

/** Is `type` the EtherType of a VLAN tag? */
function isVlan(type: number): boolean {
  return type === ETH_P_8021Q || type === ETH_P_8021AD;
}

/** Takes the outer VLAN tag out of a frame that has come in, and puts it beside the packet, where there is none yet. */
export function untagVlan(frame: Frame, memory: LinearMemory): void {
  const { u8 } = memory;
  const { data } = frame;
  const type = (u8[data + ADDRESSES]! << 8) | u8[data + ADDRESSES + 1]!;
  if (!isVlan(type) || frame.vlanProtocol !== 0 || frame.length < ADDRESSES + 2 + TAG) return;
  frame.vlanProtocol = type;
  frame.vlanTci = (u8[data + ADDRESSES + 2]! << 8) | u8[data + ADDRESSES + 3]!;
  u8.copyWithin(data + TAG, data, data + ADDRESSES);
  frame.data = data + TAG;
  frame.meta = frame.data;
}

/** Writes the tag beside a frame into it, in its headroom; false where there is none. */
export function pushVlan(frame: Frame, { u8, view }: LinearMemory): boolean {
  if (frame.data - TAG < frame.page) return false;
  u8.copyWithin(frame.data - TAG, frame.data, frame.data + ADDRESSES);
  frame.data -= TAG;
  frame.meta = frame.data;
  view.setUint16(frame.data + ADDRESSES, frame.vlanProtocol);
  view.setUint16(frame.data + ADDRESSES + 2, frame.vlanTci);
  return true;
}
