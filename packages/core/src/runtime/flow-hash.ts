import { ETH_P_IP, ETH_P_IPV6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "../abi/index.js";
import type { LinearMemory } from "../wasm/index.js";
import type { FlowKeys, LookedUp } from "./contexts/index.js";
import type { SkbContext } from "./skb-context.js";

/**
 * A hash of a packet's flow: addresses, ports and protocol, the same in both directions. The kernel keys its own with a
 * random number, so no program can rely on a particular value.
 */
export function flowHash(memory: LinearMemory, skb: SkbContext): number {
  const { u8, view } = memory;
  const at = skb.networkHeader;
  let hash = skb.protocol;
  const ipLength = skb.protocol === ETH_P_IP ? 20 : skb.protocol === ETH_P_IPV6 ? 40 : 0;
  if (ipLength === 0 || at + ipLength > skb.packetEnd) return mix(hash);
  const isV4 = ipLength === 20;
  const protocol = u8[at + (isV4 ? 9 : 6)]!;
  const [addresses, size] = isV4 ? [at + 12, 4] : [at + 8, 16];
  for (let word = 0; word < size; word += 4) {
    hash = mix(hash ^ view.getInt32(addresses + word, true) ^ view.getInt32(addresses + size + word, true));
  }
  hash = mix(hash ^ protocol);
  const transport = at + (isV4 ? (u8[at]! & 0xf) * 4 : 40);
  const hasPorts = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_SCTP;
  const isFragment = isV4 && (view.getUint16(at + 6, false) & 0x3fff) !== 0;
  if (!hasPorts || isFragment || transport + 4 > skb.packetEnd) return hash;
  return mix(hash ^ view.getUint16(transport, true) ^ view.getUint16(transport + 2, true));
}

/** A hash of a packet's two ends, for choosing one of several sockets. */
export function tupleHash({ source, sourcePort, destination, destinationPort }: LookedUp): number {
  let hash = mix(sourcePort | (destinationPort << 16));
  for (const address of [source, destination]) for (const byte of address) hash = mix(hash ^ byte);
  return hash;
}

/** As `flowHash`, of what a flow dissector has found. */
export function keysHash(keys: FlowKeys): number {
  let hash = mix(keys.protocol);
  const { source, destination } = keys;
  for (let at = 0; at < source.length; at++) hash = mix(hash ^ source[at]! ^ destination[at]!);
  return mix(hash ^ keys.ipProtocol ^ ((keys.sourcePort ^ keys.destinationPort) << 8) ^ keys.flowLabel);
}

/** The finalizer of MurmurHash3; never 0, which stands for no hash. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  return hash === 0 ? 1 : hash;
}
