import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, IPPROTO_TCP, IPPROTO_UDP } from "../../abi/index.js";

const ETH_HLEN = 14;

/** The key that Microsoft's specification gives for verifying implementations, and drivers use as their default. */
// biome-ignore format: rows of eight
const key = Uint8Array.of(
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
  0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
  0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
  0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
  0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
);

/** The Toeplitz hash of `length` bytes: for each bit that is set, the 32 bits of the key from there on. */
export function toeplitz(bytes: Uint8Array, from: number, length: number): number {
  let hash = 0;
  let window = (key[0]! << 24) | (key[1]! << 16) | (key[2]! << 8) | key[3]!;
  for (let at = 0; at < length; at++) {
    const next = key[(at + 4) % key.length]!;
    for (let bit = 7; bit >= 0; bit--) {
      if ((bytes[from + at]! >> bit) & 1) hash ^= window;
      window = (window << 1) | ((next >> bit) & 1);
    }
  }
  return hash >>> 0;
}

/**
 * The hash by which a network card chooses a frame's receive queue (receive side scaling): of the addresses, and of the
 * ports too where it is TCP or UDP in one piece; 0 for what is not IP.
 */
export function receiveSideScaling(frame: Uint8Array): number {
  let at = ETH_HLEN;
  let type = (frame[12]! << 8) | frame[13]!;
  if ((type === ETH_P_8021Q || type === ETH_P_8021AD) && frame.length >= at + 4) {
    type = (frame[at + 2]! << 8) | frame[at + 3]!;
    at += 4;
  }
  if (type === ETH_P_IP && frame.length >= at + 20) {
    const header = (frame[at]! & 0xf) * 4;
    const fragment = ((frame[at + 6]! << 8) | frame[at + 7]!) & 0x3fff;
    const hasPorts = header === 20 && fragment === 0 && isTransport(frame[at + 9]!) && frame.length >= at + 24;
    return toeplitz(frame, at + 12, hasPorts ? 12 : 8);
  }
  if (type === ETH_P_IPV6 && frame.length >= at + 40) {
    const hasPorts = isTransport(frame[at + 6]!) && frame.length >= at + 44;
    return toeplitz(frame, at + 8, hasPorts ? 36 : 32);
  }
  return 0;
}

function isTransport(protocol: number): boolean {
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
}
