import { type AttachType, E2BIG, EBADF, EBUSY, EEXIST, EINVAL, ENOTSOCK, ERANGE } from "../../abi/index.js";
import type { BpfMap, LwtRoute, NetfilterOptions, Program } from "../../host/index.js";
import { decodeClassic, prepareClassic } from "../../isa/index.js";
import type { Descriptors } from "../descriptors.js";
import { failure } from "../failure.js";
import { LinkObject, type LinkOwner, MachineLink, type MachineLinkKind } from "../machine-link.js";
import { MachineProgram } from "../machine-program.js";
import type { LwtEntry, NetfilterEntry } from "./ip-hooks.js";
import type { Network } from "./network.js";
import { PacketSocket } from "./packet-socket.js";
import { type ProgramSlot, Socket } from "./socket.js";

/** Programs that a namespace's lookup takes (MAX_BPF_LINKS of the net namespace). */
const MAX_LOOKUPS = 64;
const LARGEST_PRIORITY = 0x7fff_ffff;

/** Sockets that take filters. */
export type FilteredSocket = Socket | PacketSocket;

/** Attaches programs to sockets, maps of sockets, and network namespaces of a Machine. */
export class MachineSocketHooks {
  readonly #network: Network;
  readonly #owner: LinkOwner;
  readonly #descriptors: Descriptors;

  constructor(network: Network, owner: LinkOwner, descriptors: Descriptors) {
    this.#network = network;
    this.#owner = owner;
    this.#descriptors = descriptors;
  }

  attachSocketFilter(program: Program, which: FilteredSocket | number): MachineLink {
    const socket = this.#filtered(which);
    const own = this.#program(program, "SO_ATTACH_BPF");
    if (own.type !== "socket_filter")
      throw failure("SO_ATTACH_BPF", EINVAL, `program '${program.name}' is no socket filter`);
    return this.#slot("socket", own, {
      get: () => (socket.filter !== undefined && "link" in socket.filter ? socket.filter : undefined),
      set: (slot) => {
        socket.filter = slot;
      },
    });
  }

  /** A classic program, as bytes of `struct sock_filter`. */
  attachClassicFilter(
    instructions: Uint8Array,
    which: FilteredSocket | number,
  ): { close(): void; [Symbol.dispose](): void } {
    const socket = this.#filtered(which);
    const run = prepareClassic(decodeClassic(instructions));
    const before = socket.filter;
    if (before !== undefined && "link" in before) before.link.object.detach();
    const filter = { classic: (packet: Uint8Array) => run(packet, { dataStart: 0 }) };
    socket.filter = filter;
    const close = () => {
      if (socket.filter === filter) socket.filter = undefined;
    };
    return { close, [Symbol.dispose]: close };
  }

  attachReuseport(program: Program, which: Socket | number): MachineLink {
    const command = "SO_ATTACH_REUSEPORT_EBPF";
    const socket = this.#socket(which);
    const own = this.#program(program, command);
    if (own.type !== "sk_reuseport" && own.type !== "socket_filter")
      throw failure(command, EINVAL, `program '${program.name}' is none for groups of sockets`);
    if (!socket.reusePort) throw failure(command, EINVAL, "the socket shares its port with no other");
    return this.#slot("reuseport", own, {
      get: () => socket.reuseportProgram,
      set: (slot) => {
        socket.reuseportProgram = slot;
      },
    });
  }

  attachSockmap(program: Program, map: BpfMap, attachType?: AttachType): MachineLink {
    return this.#network.socketMaps.attach(program, map, attachType, this.#owner);
  }

  attachNetworkNamespace(program: Program, namespace = this.#network.current): MachineLink {
    const command = "BPF_LINK_CREATE";
    const own = this.#program(program, command);
    if (own.type === "flow_dissector") {
      if (namespace.dissector !== undefined) throw failure(command, EEXIST, "the namespace has a flow dissector");
      return this.#slot("netns", own, {
        get: () => namespace.dissector,
        set: (slot) => {
          namespace.dissector = slot;
        },
      });
    }
    if (own.type !== "sk_lookup")
      throw failure(command, EINVAL, `program '${program.name}' is none for network namespaces`);
    if (namespace.lookupPrograms.length >= MAX_LOOKUPS)
      throw failure(command, E2BIG, `there are ${MAX_LOOKUPS} programs`);
    const link = new MachineLink(new LinkObject("netns", own, this.#owner));
    const slot: ProgramSlot = { link, program: own };
    namespace.lookupPrograms = [...namespace.lookupPrograms, slot];
    link.attach({
      replace: (next) => {
        slot.program = next;
      },
      detach: () => {
        namespace.lookupPrograms = namespace.lookupPrograms.filter((each) => each !== slot);
      },
    });
    return link;
  }

  attachNetfilter(program: Program, options: NetfilterOptions): MachineLink {
    const command = "BPF_LINK_CREATE";
    const own = this.#program(program, command);
    if (own.type !== "netfilter") throw failure(command, EINVAL, `program '${program.name}' is none for netfilter`);
    const { hook, priority } = options;
    if (!(Math.abs(priority) < LARGEST_PRIORITY)) throw failure(command, ERANGE, "the priority is one of the ends");
    const namespace = this.#network.current;
    const version = options.family === "ipv4" ? 4 : 6;
    const isTaken = (other: NetfilterEntry) =>
      other.version === version && other.hook === hook && other.priority === priority;
    if (namespace.netfilter.some(isTaken)) throw failure(command, EBUSY, `there is a program of priority ${priority}`);
    const link = new MachineLink(new LinkObject("netfilter", own, this.#owner));
    const entry: NetfilterEntry = { link, program: own, version, hook, priority };
    namespace.netfilter = [...namespace.netfilter, entry].sort((a, b) => a.priority - b.priority);
    link.attach({
      replace: (next) => {
        entry.program = next;
      },
      detach: () => {
        namespace.netfilter = namespace.netfilter.filter((each) => each !== entry);
      },
    });
    return link;
  }

  attachLwt(program: Program, where: LwtRoute): MachineLink {
    const command = "RTM_NEWROUTE";
    const own = this.#program(program, command);
    const { type } = own;
    if (type !== "lwt_in" && type !== "lwt_out" && type !== "lwt_xmit")
      throw failure(command, EINVAL, `program '${program.name}' is none for routes`);
    const namespace = this.#network.current;
    const { destination, device, gateway } = where;
    const route = namespace.addRoute(destination, gateway === undefined ? { device } : { device, via: gateway });
    const link = new MachineLink(new LinkObject("lwt", own, this.#owner));
    const entry: LwtEntry = { link, program: own };
    namespace.lwt.set(route, { [type]: entry });
    link.attach({
      replace: (next) => {
        entry.program = next;
      },
      detach: () => namespace.removeRoute(route),
    });
    return link;
  }

  /** A program in a place that has room for one: what was there goes. */
  #slot(
    kind: MachineLinkKind,
    program: MachineProgram,
    place: { get(): ProgramSlot | undefined; set(slot: ProgramSlot | undefined): void },
  ): MachineLink {
    place.get()?.link.object.detach();
    const link = new MachineLink(new LinkObject(kind, program, this.#owner));
    const slot: ProgramSlot = { link, program };
    place.set(slot);
    link.attach({
      replace: (next) => {
        slot.program = next;
      },
      detach: () => {
        if (place.get() === slot) place.set(undefined);
      },
    });
    return link;
  }

  #socket(which: FilteredSocket | number): Socket {
    const found = this.#filtered(which);
    if (!(found instanceof Socket)) throw failure("setsockopt", EINVAL, "a packet socket shares no port");
    return found;
  }

  #filtered(which: FilteredSocket | number): FilteredSocket {
    const found = typeof which === "number" ? this.#descriptors.get(which) : which;
    if (found === undefined) throw failure("setsockopt", EBADF, `no descriptor ${which}`);
    if (!(found instanceof Socket || found instanceof PacketSocket))
      throw failure("setsockopt", ENOTSOCK, `descriptor ${which} is no socket`);
    return found;
  }

  #program(program: Program, command: string): MachineProgram {
    if (!(program instanceof MachineProgram) || !this.#owner.owns(program))
      throw failure(command, EBADF, `program '${program.name}' is of another host`);
    program.assertOpen(command);
    return program;
  }
}
