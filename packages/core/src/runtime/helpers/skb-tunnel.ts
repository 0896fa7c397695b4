import { EINVAL, ENOENT, ENOMEM, EPROTO } from "../../abi/index.js";
import type { Runtime } from "../runtime.js";
import type { TunnelInfo } from "../tunnel-info.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow, skbContext } from "./skb.js";

const BPF_F_TUNINFO_IPV6 = 1;
const BPF_F_ZERO_CSUM_TX = 2;
const BPF_F_DONT_FRAGMENT = 4;
const BPF_F_SEQ_NUMBER = 8;
const BPF_F_NO_TUNNEL_KEY = 16;
const BPF_F_TUNINFO_FLAGS = 16;
const SET_FLAGS = 0x1f;

const TUNNEL_CSUM = 1 << 0;
const TUNNEL_KEY = 1 << 2;
const TUNNEL_SEQ = 1 << 3;
const TUNNEL_DONT_FRAGMENT = 1 << 8;
const TUNNEL_NOCACHE = 1 << 13;
const TUNNEL_OPTIONS_MAX = 255;

/** Offsets in `struct bpf_tunnel_key`. Older programs know only a first part of it, up to one of {@link knownSizes}. */
const key = { id: 0, remote: 4, tos: 20, ttl: 21, ext: 22, label: 24, local: 28, size: 44 } as const;
const knownSizes: readonly number[] = [key.size, key.local, key.label, key.ext, 8];

/** Metadata of IP tunnels that a device takes from, or puts around, a packet. */
export const skbTunnelHelpers: HelperFamily = (define, { runtime }) => {
  const wide = { wide: true };
  define(
    "skb_get_tunnel_key",
    "int",
    (_ctx, to, size, flags) => {
      const at = to >>> 0;
      const { tunnel } = skbContext(runtime);
      const error = !isNarrow(runtime, 4) ? -EINVAL : checkGet(tunnel, size, flags);
      runtime.memory.u8.fill(0, at, at + size);
      if (error !== 0 || tunnel === undefined) return error;
      const bytes = encodeKey(tunnel, flags);
      runtime.memory.u8.set(bytes.subarray(0, size), at);
      return 0;
    },
    wide,
  );
  define(
    "skb_set_tunnel_key",
    "int",
    (_ctx, from, size, flags) => {
      if ((flags & ~SET_FLAGS) !== 0 || !isNarrow(runtime, 4) || !knownSizes.includes(size)) return -EINVAL;
      const tunnel = decodeKey(runtime, from >>> 0, size, flags);
      if (tunnel === undefined) return -EINVAL;
      skbContext(runtime).tunnel = tunnel;
      return 0;
    },
    wide,
  );
  define("skb_get_tunnel_opt", "int", (_ctx, to, size) => {
    const at = to >>> 0;
    const options = skbContext(runtime).tunnel?.options ?? new Uint8Array(0);
    runtime.memory.u8.fill(0, at, at + size);
    if (options.length === 0) return -ENOENT;
    if (size < options.length) return -ENOMEM;
    runtime.memory.u8.set(options, at);
    return options.length;
  });
  define("skb_set_tunnel_opt", "int", (_ctx, from, size) => {
    const skb = skbContext(runtime);
    // Only the metadata that skb_set_tunnel_key() made can take options.
    if (skb.tunnel === undefined || !(skb.tunnel.flags & TUNNEL_NOCACHE) || size % 4 !== 0) return -EINVAL;
    if (size > TUNNEL_OPTIONS_MAX) return -ENOMEM;
    skb.tunnel = { ...skb.tunnel, options: runtime.memory.copy(from >>> 0, size) };
    return 0;
  });
};

function checkGet(tunnel: TunnelInfo | undefined, size: number, flags: number): number {
  if (tunnel === undefined || (flags & ~(BPF_F_TUNINFO_IPV6 | BPF_F_TUNINFO_FLAGS)) !== 0) return -EINVAL;
  if ((tunnel.family === "ipv6") !== ((flags & BPF_F_TUNINFO_IPV6) !== 0)) return -EPROTO;
  const isKnown = knownSizes.includes(size) && (size !== 8 || tunnel.family === "ipv4");
  return isKnown ? 0 : -EINVAL;
}

/** Remote is where the packet came from, local where it went: the other way round than when a key is set. */
function encodeKey(tunnel: TunnelInfo, flags: number): Uint8Array {
  const bytes = new Uint8Array(key.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(key.id, tunnel.id, true);
  bytes[key.tos] = tunnel.tos;
  bytes[key.ttl] = tunnel.ttl;
  if (flags & BPF_F_TUNINFO_FLAGS) view.setUint16(key.ext, tunnel.flags, false);
  if (tunnel.family === "ipv6") {
    bytes.set(tunnel.source, key.remote);
    bytes.set(tunnel.destination, key.local);
    view.setUint32(key.label, tunnel.label, true);
  } else {
    // IPv4 addresses are in host order here.
    bytes.set(Uint8Array.from(tunnel.source).reverse(), key.remote);
    bytes.set(Uint8Array.from(tunnel.destination).reverse(), key.local);
  }
  return bytes;
}

function decodeKey(runtime: Runtime, from: number, size: number, flags: number): TunnelInfo | undefined {
  const bytes = new Uint8Array(key.size);
  bytes.set(runtime.memory.copy(from, size));
  const view = new DataView(bytes.buffer);
  const isIpv6 = (flags & BPF_F_TUNINFO_IPV6) !== 0;
  const label = view.getUint32(key.label, true);
  if ((!isIpv6 && label !== 0) || view.getUint16(key.ext, true) !== 0) return undefined;
  const address = (at: number) => (isIpv6 ? bytes.slice(at, at + 16) : bytes.slice(at, at + 4).reverse());
  return {
    id: view.getUint32(key.id, true),
    family: isIpv6 ? "ipv6" : "ipv4",
    source: address(key.local),
    destination: address(key.remote),
    tos: bytes[key.tos]!,
    ttl: bytes[key.ttl]!,
    label: label & 0xfffff,
    flags:
      TUNNEL_NOCACHE |
      (flags & BPF_F_DONT_FRAGMENT ? TUNNEL_DONT_FRAGMENT : 0) |
      (flags & BPF_F_ZERO_CSUM_TX ? 0 : TUNNEL_CSUM) |
      (flags & BPF_F_SEQ_NUMBER ? TUNNEL_SEQ : 0) |
      (flags & BPF_F_NO_TUNNEL_KEY ? 0 : TUNNEL_KEY),
    options: new Uint8Array(0),
  };
}
