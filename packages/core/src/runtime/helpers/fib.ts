import { AF_INET, AF_INET6, EAFNOSUPPORT, EINVAL, ENODEV } from "../../abi/index.js";
import type { NetworkTables, Route } from "../network-tables.js";
import { SkbContext } from "../skb-context.js";
import type { HelperFamily } from "./definition.js";

const SKIP_NEIGH = 4;
const TBID = 8;
const SRC = 16;
const LOOKUP_FLAGS = 0x3f;
const DIRECT = 1;

/** Results, as BPF_FIB_LKUP_RET_* number them. */
const result = {
  success: 0,
  blackhole: 1,
  unreachable: 2,
  prohibit: 3,
  notForwarded: 4,
  forwardingDisabled: 5,
  noNeighbour: 7,
  fragmentationNeeded: 8,
} as const;

/** Offsets in `struct bpf_fib_lookup`. */
const fib = {
  family: 0,
  /** Before: total length; afterwards: MTU. */
  length: 6,
  device: 8,
  metric: 12,
  source: 16,
  destination: 32,
  /** Before: table id; afterwards VLAN protocol and control information. */
  table: 48,
  sourceMac: 52,
  destinationMac: 58,
  size: 64,
} as const;

/** bpf_fib_lookup(), answered from the caller's routes and neighbours. */
export const fibHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  define("fib_lookup", "int", (_ctx, parameters, size, flags) => {
    const { network } = environment;
    if (size < fib.size || (flags & ~LOOKUP_FLAGS) !== 0) return -EINVAL;
    const at = parameters >>> 0;
    const family = runtime.memory.u8[at + fib.family]!;
    if (family !== AF_INET && family !== AF_INET6) return -EAFNOSUPPORT;
    const query = new FibQuery(runtime.memory.u8, at, family === AF_INET ? 4 : 16);
    const found = query.answer(network, flags);
    const { context } = runtime.run;
    if (found !== result.success || !(context instanceof SkbContext) || query.givenLength !== 0) return found;
    // A packet that doesn't say its length has its own.
    const mtu = network.devices.get(query.device)?.mtu ?? 1500;
    query.setMtu(mtu);
    const fits = context.segmented || context.length <= mtu + 14;
    return fits ? result.success : result.fragmentationNeeded;
  });
};

class FibQuery {
  readonly givenLength: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #at: number;
  readonly #addressLength: 4 | 16;

  constructor(bytes: Uint8Array, at: number, addressLength: 4 | 16) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset + at, fib.size);
    this.#at = at;
    this.#addressLength = addressLength;
    this.givenLength = this.#view.getUint16(fib.length, true);
  }

  get device(): number {
    return this.#view.getUint32(fib.device, true);
  }

  setMtu(mtu: number): void {
    this.#view.setUint16(fib.length, mtu, true);
  }

  answer(network: NetworkTables, flags: number): number {
    const arrived = network.devices.get(this.device);
    if (arrived === undefined) return -ENODEV;
    if (arrived.forwarding !== true) return result.forwardingDisabled;
    const table = (flags & (DIRECT | TBID)) === (DIRECT | TBID) ? this.#view.getUint32(fib.table, true) : undefined;
    const route = network.route(this.#address(fib.destination), table);
    const refused = refusal(route);
    if (route === undefined || refused !== undefined) return refused ?? result.notForwarded;
    const device = network.devices.get(route.device);
    if (device === undefined) return result.notForwarded;
    const mtu = Math.min(route.mtu ?? Number.POSITIVE_INFINITY, device.mtu ?? 1500);
    if (this.givenLength > mtu) {
      this.setMtu(mtu);
      return result.fragmentationNeeded;
    }
    this.#view.setUint32(fib.metric, route.metric ?? 0, true);
    this.#view.setUint32(fib.device, route.device, true);
    if (flags & SRC && route.source !== undefined) this.#setAddress(fib.source, route.source);
    if (route.gateway !== undefined) this.#setNextHop(route.gateway);
    if (!(flags & SKIP_NEIGH)) {
      const hop = route.gateway ?? this.#address(fib.destination);
      const neighbour = network.neighbour(hop, route.device);
      if (neighbour === undefined) return result.noNeighbour;
      this.#bytes.set(neighbour.mac, this.#at + fib.destinationMac);
      this.#bytes.set(device.mac ?? new Uint8Array(6), this.#at + fib.sourceMac);
    }
    this.#view.setUint32(fib.table, 0, true);
    if (this.givenLength !== 0) this.setMtu(mtu);
    return result.success;
  }

  #address(offset: number): Uint8Array {
    return this.#bytes.slice(this.#at + offset, this.#at + offset + this.#addressLength);
  }

  #setAddress(offset: number, address: Uint8Array): void {
    this.#bytes.set(address, this.#at + offset);
  }

  /** The next hop takes the destination's place; it may be of IPv6 where the destination is not. */
  #setNextHop(gateway: Uint8Array): void {
    this.#bytes[this.#at + fib.family] = gateway.length === 16 ? AF_INET6 : AF_INET;
    this.#setAddress(fib.destination, gateway);
  }
}

function refusal(route: Route | undefined): number | undefined {
  switch (route?.kind) {
    case "blackhole":
      return result.blackhole;
    case "unreachable":
      return result.unreachable;
    case "prohibit":
      return result.prohibit;
    case "local":
      return result.notForwarded;
    default:
      return undefined;
  }
}
