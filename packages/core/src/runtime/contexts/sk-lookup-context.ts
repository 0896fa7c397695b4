import { AF_INET, AF_INET6 } from "../../abi/index.js";
import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import type { SocketViews } from "../socket-views.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct bpf_sk_lookup`. */
const field = {
  sk: 0,
  family: 8,
  protocol: 12,
  remote: { ip4: 16, ip6: 20 },
  remotePort: 36,
  local: { ip4: 40, ip6: 44 },
  localPort: 60,
  ingressIfindex: 64,
  size: 72,
} as const;

/** A packet that looks for its socket. */
export interface LookedUp {
  readonly protocol: "tcp" | "udp";
  readonly source: Uint8Array;
  readonly sourcePort: number;
  readonly destination: Uint8Array;
  readonly destinationPort: number;
  /** Index of the device that it came in by. */
  readonly device: number;
}

/** `struct bpf_sk_lookup`: the search for a listening or unconnected socket. */
export class SkLookupContext extends StructContext {
  readonly #sockets: SocketViews;
  #protocol: "tcp" | "udp" = "tcp";
  /** The socket that a program has chosen. */
  chosen: NetworkSocket | undefined;
  /** The program wants that socket whatever its reuseport group says. */
  skipsReuseport = false;

  constructor(runtime: Runtime, sockets: SocketViews) {
    super(runtime, field.size);
    this.#sockets = sockets;
  }

  load(packet: LookedUp): void {
    this.clear(undefined);
    this.#protocol = packet.protocol;
    this.chosen = undefined;
    this.skipsReuseport = false;
    this.setWord(field.family, packet.source.length === 4 ? AF_INET : AF_INET6);
    this.setWord(field.protocol, packet.protocol === "tcp" ? 6 : 17);
    this.setAddress(field.remote, packet.source);
    this.setNetworkPort(field.remotePort, packet.sourcePort);
    this.setAddress(field.local, packet.destination);
    this.setWord(field.localPort, packet.destinationPort);
    this.setWord(field.ingressIfindex, packet.device);
  }

  get protocol(): "tcp" | "udp" {
    return this.#protocol;
  }

  /** Bytes of an address. */
  get addressLength(): number {
    return this.word(field.family) === AF_INET ? 4 : 16;
  }

  choose(socket: NetworkSocket | undefined): void {
    this.chosen = socket;
    this.setWord(field.sk, socket === undefined ? 0 : this.#sockets.view(socket));
  }
}
