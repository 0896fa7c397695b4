import {
  type LookedUp,
  type SharedPacket,
  SkLookupContext,
  SkReuseportContext,
  tupleHash,
} from "../../runtime/index.js";
import type { IpPacket } from "./ip-packet.js";
import type { Namespace } from "./namespace.js";
import type { ProgramRun } from "./program-run.js";
import { Socket } from "./socket.js";
import { isAny } from "./socket-table.js";

const SK_PASS = 1;

/** Finds the socket for a packet that belongs to no connection, as programs have it. */
export class SocketLookup {
  readonly #programs: ProgramRun;
  #lookup: SkLookupContext | undefined;
  #reuseport: SkReuseportContext | undefined;

  constructor(programs: ProgramRun) {
    this.#programs = programs;
  }

  /** The listening or unconnected socket of a namespace that a packet is for. */
  find(namespace: Namespace, flow: LookedUp, packet: IpPacket): Socket | undefined {
    const chosen = this.#ask(namespace, flow);
    if (chosen === "none") return undefined;
    if (chosen !== undefined) return chosen.skipsReuseport ? chosen.socket : this.share(chosen.socket, flow, packet);
    const found = namespace.stack.sockets.unconnected(flow);
    return found === undefined ? undefined : this.share(found, flow, packet);
  }

  /** The socket of the group that `socket` shares its port with. */
  share(socket: Socket, flow: LookedUp, packet: IpPacket): Socket | undefined {
    if (!socket.reusePort) return socket;
    const group = socket.namespace.stack.sockets.group(socket);
    if (group.length <= 1) return group[0] ?? socket;
    const hash = tupleHash(flow);
    const byHash = group[Math.floor((hash / 2 ** 32) * group.length)]!;
    const program = group.find(({ reuseportProgram }) => reuseportProgram !== undefined)?.reuseportProgram?.program;
    if (program === undefined) return byHash;
    const { environment } = this.#programs;
    if (program.type === "socket_filter") {
      const skb = socket.namespace.network.hooks.loadPacket(socket, packet.bytes, packet.device);
      // Selecting programs see what the transport header is followed by.
      skb.skipHeader(packet.payload - 14);
      return group[this.#programs.runIn(program, skb, socket.namespace)] ?? byHash;
    }
    this.#reuseport ??= new SkReuseportContext(environment.runtime, environment.sockets);
    const context = this.#reuseport;
    context.load(socket, sharedPacket(socket, packet, hash));
    if (this.#programs.runIn(program, context, socket.namespace) !== SK_PASS) return undefined;
    return context.chosen === undefined ? byHash : (context.chosen as Socket);
  }

  close(): void {
    this.#lookup?.close();
    this.#reuseport?.close();
  }

  /** What the namespace's sk_lookup programs say: a socket, that there is none, or nothing. */
  #ask(
    namespace: Namespace,
    flow: LookedUp,
  ): { readonly socket: Socket; readonly skipsReuseport: boolean } | "none" | undefined {
    const { lookupPrograms } = namespace;
    if (lookupPrograms.length === 0) return undefined;
    const { environment } = this.#programs;
    this.#lookup ??= new SkLookupContext(environment.runtime, environment.sockets);
    const context = this.#lookup;
    context.load(flow);
    let allPass = true;
    let chosen: Socket | undefined;
    let skipsReuseport = false;
    for (const { program } of lookupPrograms) {
      const passes = this.#programs.runIn(program, context, namespace) === SK_PASS;
      if (passes && context.chosen instanceof Socket) {
        chosen = context.chosen;
        skipsReuseport = context.skipsReuseport;
      } else if (!passes) allPass = false;
      // A program that did not pass has chosen nothing.
      context.choose(chosen);
    }
    if (chosen !== undefined) return { socket: chosen, skipsReuseport };
    return allPass ? undefined : "none";
  }
}

function sharedPacket(socket: Socket, { bytes, payload, end, family, protocol }: IpPacket, hash: number): SharedPacket {
  return {
    bytes: bytes.subarray(payload, end),
    ethProtocol: family.etherType,
    ipProtocol: protocol,
    bindAny: isAny(socket.localAddress),
    hash,
  };
}
