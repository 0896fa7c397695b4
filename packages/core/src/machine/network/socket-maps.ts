import { type AttachType, EBADF, EBUSY, EINVAL, EOPNOTSUPP, tcpState } from "../../abi/index.js";
import type { BpfMap, Program } from "../../host/index.js";
import { type LiveMap, type Reference, SocketArrayMap, SocketHashMap } from "../../maps/index.js";
import type { SocketViews } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { LinkObject, type LinkOwner, MachineLink } from "../machine-link.js";
import { MachineMap } from "../machine-map.js";
import { MachineProgram } from "../machine-program.js";
import type { Socket } from "./socket.js";

/** What a map of sockets runs for the sockets in it. */
export type SockmapHook = "sk_msg_verdict" | "sk_skb_stream_parser" | "sk_skb_stream_verdict" | "sk_skb_verdict";

/** The programs that a socket got with the maps that it is in. */
export type SocketMapPrograms = Partial<Record<SockmapHook, MachineProgram>>;

const verdicts: readonly SockmapHook[] = ["sk_skb_stream_verdict", "sk_skb_verdict"];

/** Which socket is in which map of sockets, and the programs of those maps. */
export class SocketMaps {
  readonly #views: SocketViews;
  readonly #programs = new Map<LiveMap, Map<SockmapHook, MachineLink>>();
  readonly #members = new Map<Socket, Map<LiveMap, number>>();

  constructor(views: SocketViews) {
    this.#views = views;
  }

  /** A map is to hold a socket: a reference, or a negative errno. */
  acquire(map: LiveMap, socket: Socket | undefined): Reference | number {
    if (socket === undefined) return -EBADF;
    const refusal = map.type === "reuseport_sockarray" ? refuseShared(socket) : refuseStream(socket);
    if (refusal !== 0) return refusal;
    const maps = this.#members.get(socket) ?? new Map<LiveMap, number>();
    if (map.type !== "reuseport_sockarray") {
      const error = this.#join(map, socket, maps);
      if (error !== 0) return error;
    }
    maps.set(map, (maps.get(map) ?? 0) + 1);
    this.#members.set(socket, maps);
    this.#views.hold(socket.handle, socket);
    // What user space reads back is the cookie.
    return { handle: socket.handle, id: Number(BigInt.asUintN(32, socket.cookie)) };
  }

  release(map: LiveMap, handle: number): void {
    const socket = this.#views.held(handle) as Socket | undefined;
    const maps = socket && this.#members.get(socket);
    if (socket === undefined || maps === undefined) return;
    const count = (maps.get(map) ?? 0) - 1;
    if (count > 0) maps.set(map, count);
    else maps.delete(map);
    const streams = [...maps.keys()].filter(({ type }) => type !== "reuseport_sockarray");
    if (streams.length === 0) leave(socket);
    if (maps.size === 0) {
      this.#members.delete(socket);
      this.#views.unhold(handle);
    }
  }

  /** A socket was closed: no map has it any more. */
  closed(socket: Socket): void {
    for (const map of [...(this.#members.get(socket)?.keys() ?? [])]) removeFrom(map, socket.handle);
  }

  attach(program: Program, map: BpfMap, given: AttachType | undefined, owner: LinkOwner): MachineLink {
    const command = "BPF_PROG_ATTACH";
    if (!(program instanceof MachineProgram) || !owner.owns(program) || !(map.raw instanceof MachineMap))
      throw failure(command, EBADF, "the program or the map is of another host");
    const { live } = map.raw.object;
    const type = hookOf(program, given);
    if (type === undefined) throw failure(command, EINVAL, `program '${program.name}' is none for maps of sockets`);
    if (live.type !== "sockmap" && live.type !== "sockhash")
      throw failure(command, EOPNOTSUPP, `map '${map.name}' is none of streams`);
    const hooks = this.#programs.get(live) ?? new Map<SockmapHook, MachineLink>();
    // A map has one verdict program, of the one kind or of the other.
    if (verdicts.includes(type) && verdicts.some((other) => other !== type && hooks.has(other)))
      throw failure(command, EBUSY, "the map has a verdict program");
    const before = hooks.get(type);
    const link = new MachineLink(new LinkObject("sockmap", program, owner));
    hooks.set(type, link);
    this.#programs.set(live, hooks);
    link.attach({
      replace: () => {},
      detach: () => {
        if (hooks.get(type) === link) hooks.delete(type);
      },
    });
    before?.object.detach();
    return link;
  }

  /** The socket gets the map's programs. */
  #join(map: LiveMap, socket: Socket, maps: ReadonlyMap<LiveMap, number>): number {
    const hooks = this.#programs.get(map) ?? new Map<SockmapHook, MachineLink>();
    const own = socket.mapPrograms ?? {};
    if (!maps.has(map) && [...hooks.keys()].some((type) => own[type] !== undefined)) return -EBUSY;
    const next = { ...own };
    for (const [type, { program }] of hooks) {
      if (next[type] === program) continue;
      next[type]?.unreference();
      program.reference();
      next[type] = program;
    }
    socket.mapPrograms = next;
    return 0;
  }
}

function hookOf(program: MachineProgram, given: AttachType | undefined): SockmapHook | undefined {
  if (program.type === "sk_msg") return "sk_msg_verdict";
  const type = given ?? program.attachType;
  const isSkb = type === "sk_skb_stream_parser" || type === "sk_skb_stream_verdict" || type === "sk_skb_verdict";
  return program.type === "sk_skb" && isSkb ? type : undefined;
}

function leave(socket: Socket): void {
  const { mapPrograms } = socket;
  socket.mapPrograms = undefined;
  socket.leftMaps();
  for (const program of Object.values(mapPrograms ?? {})) program.unreference();
}

/** Connections, and sockets that listen; UDP sockets that have a port. */
function refuseStream(socket: Socket): number {
  if (socket.protocol === "udp") return socket.localPort === 0 ? -EOPNOTSUPP : 0;
  const { state } = socket;
  const isFit = state === tcpState.established || state === tcpState.listen || state === tcpState.synReceived;
  return isFit ? 0 : -EOPNOTSUPP;
}

/** Sockets of a group that share a port. */
function refuseShared(socket: Socket): number {
  return socket.reusePort && socket.localPort !== 0 ? 0 : -EINVAL;
}

function removeFrom(map: LiveMap, handle: number): void {
  const keys: Uint8Array[] = [];
  for (let key: Uint8Array | undefined, next = new Uint8Array(map.keySize); map.nextKey(key, next) === 0; ) {
    keys.push(next);
    key = next;
    next = new Uint8Array(map.keySize);
  }
  for (const key of keys) if (handleAt(map, key) === handle) map.delete(key);
}

function handleAt(map: LiveMap, key: Uint8Array): number {
  if (map instanceof SocketArrayMap) return map.handleOf(new DataView(key.buffer, key.byteOffset).getUint32(0, true));
  return map instanceof SocketHashMap ? map.handleAt(key) : 0;
}
