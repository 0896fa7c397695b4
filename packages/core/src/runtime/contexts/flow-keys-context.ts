import { ETH_P_IPV6 } from "../../abi/index.js";
import type { Runtime } from "../runtime.js";
import { ETH_HLEN, SkbContext } from "../skb-context.js";

/** Where a `__sk_buff` has the pointer to the keys. */
const FLOW_KEYS = 144;
/** Offsets in `struct bpf_flow_keys`. */
const field = {
  networkOffset: 0,
  transportOffset: 2,
  ipProtocol: 9,
  protocol: 10,
  sourcePort: 12,
  destinationPort: 14,
  /** Two IPv4 addresses, or two of IPv6. */
  addresses: 16,
  flowLabel: 52,
  size: 56,
} as const;

/** What a flow dissector has found. */
export interface FlowKeys {
  /** EtherType. */
  readonly protocol: number;
  readonly ipProtocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** 4 or 16 bytes each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly flowLabel: number;
}

/** A packet for a flow dissector, and the keys that it fills in. */
export class FlowKeysContext {
  readonly skb: SkbContext;
  readonly #runtime: Runtime;
  readonly #keys: number;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.skb = new SkbContext(runtime);
    const { size } = field;
    this.#keys = runtime.memory.alloc(size);
    const start = this.#keys;
    runtime.regions.add({ name: "flow keys", start, length: size, stride: size, offset: 0, size, writable: true });
  }

  load(frame: Uint8Array): void {
    const { skb } = this;
    skb.load(frame);
    skb.detachSocket();
    const { view, u8 } = this.#runtime.memory;
    view.setBigUint64(skb.address + FLOW_KEYS, BigInt(this.#keys), true);
    u8.fill(0, this.#keys, this.#keys + field.size);
    view.setUint16(this.#keys + field.networkOffset, ETH_HLEN, true);
    view.setUint16(this.#keys + field.transportOffset, ETH_HLEN, true);
    u8.set(frame.subarray(12, 14), this.#keys + field.protocol);
  }

  keys(): FlowKeys {
    const { memory } = this.#runtime;
    const { view, u8 } = memory;
    const at = this.#keys;
    const protocol = view.getUint16(at + field.protocol, false);
    const length = protocol === ETH_P_IPV6 ? 16 : 4;
    return {
      protocol,
      ipProtocol: u8[at + field.ipProtocol]!,
      sourcePort: view.getUint16(at + field.sourcePort, false),
      destinationPort: view.getUint16(at + field.destinationPort, false),
      source: memory.copy(at + field.addresses, length),
      destination: memory.copy(at + field.addresses + length, length),
      flowLabel: view.getUint32(at + field.flowLabel, false),
    };
  }

  /** Nothing was found. */
  noKeys(): FlowKeys {
    const none = new Uint8Array(4);
    return {
      protocol: 0,
      ipProtocol: 0,
      sourcePort: 0,
      destinationPort: 0,
      source: none,
      destination: none,
      flowLabel: 0,
    };
  }

  close(): void {
    this.skb.close();
    this.#runtime.regions.remove(this.#keys);
    this.#runtime.memory.free(this.#keys);
  }
}
