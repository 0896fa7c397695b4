import { encodeText } from "../base/index.js";

/** What a layer sees of the packet around it while it is encoded. */
export interface LayerPlace {
  /** The layer that it carries; undefined where raw bytes or nothing follow. */
  readonly inner: Layer | undefined;
  /** The nearest IP layer's pseudo header sum for a transport checksum; 0 where there is none. */
  pseudoHeader(protocol: number, length: number): number;
}

/** One protocol header of a packet to build, with what it says. */
export interface Layer {
  /** EtherType by which Ethernet and VLAN tags announce it. */
  readonly etherType?: number | undefined;
  /** Number by which IP announces it. */
  readonly ipProtocol?: number | undefined;
  /** Sum of the pseudo header, for layers that have one (IP). */
  pseudoHeader?(protocol: number, length: number): number;
  /** The header and behind it `payload`. */
  encode(payload: Uint8Array, place: LayerPlace): Uint8Array;
}

/**
 * A packet from its layers, outermost first; bytes or text end it. Lengths, types of what follows and checksums are
 * filled in, unless a layer was given others.
 *
 *     buildPacket(ethernet(), ipv4({ src: "10.0.0.1", dst: "10.0.0.2" }), udp({ src: 53, dst: 4242 }), "hello")
 */
export function buildPacket(...parts: (Layer | Uint8Array | string)[]): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(0);
  let inner: Layer | undefined;
  for (let index = parts.length - 1; index >= 0; index--) {
    const part = parts[index]!;
    if (typeof part === "string" || part instanceof Uint8Array) {
      const data = typeof part === "string" ? encodeText(part) : part;
      bytes = concatenate(data, bytes);
      continue;
    }
    const outer = parts.slice(0, index).reverse();
    const ip = outer.find((layer): layer is Layer => isLayer(layer) && layer.pseudoHeader !== undefined);
    bytes = part.encode(bytes, {
      inner,
      pseudoHeader: (protocol, length) => ip?.pseudoHeader?.(protocol, length) ?? 0,
    });
    inner = part;
  }
  return bytes;
}

function isLayer(part: Layer | Uint8Array | string): part is Layer {
  return typeof part !== "string" && !(part instanceof Uint8Array);
}

/** Two byte arrays as one. */
export function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
