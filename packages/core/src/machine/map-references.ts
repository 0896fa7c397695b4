import { BPF_F_XDP_HAS_FRAGS, EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP, type MapType } from "../abi/index.js";
import type { LiveMap, MapReferences, Reference, ReferenceRequest } from "../maps/index.js";
import type { ControlGroup, NetworkTables } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";
import { Cgroup } from "./cgroup/index.js";
import type { Descriptors } from "./descriptors.js";
import { MachineMap } from "./machine-map.js";
import { MachineProgram } from "./machine-program.js";
import type { MapObject } from "./map-object.js";
import { type RedirectEntries, Socket, type SocketMaps, XdpSocket } from "./network/index.js";

const socketMaps: ReadonlySet<MapType> = new Set(["sockmap", "sockhash", "reuseport_sockarray"]);

/** What a Machine makes of the values of maps that refer to something: programs, maps, devices, CPUs. */
export class MachineReferences implements MapReferences {
  readonly #descriptors: Descriptors;
  /** Where devices are looked up: in the current namespace. */
  readonly #network: () => NetworkTables;
  readonly #entries: RedirectEntries;
  readonly #objects: ReadonlyMap<LiveMap, MapObject>;
  /** Programs in slots of maps, by the handle that the slot holds, with the number of slots. */
  readonly #held = new Map<number, { readonly program: MachineProgram; count: number }>();
  readonly #sockets: () => SocketMaps;
  /** The control groups that maps have held, by handle. */
  readonly #cgroups: Map<number, ControlGroup>;
  /** What the programs of a prog array have in common: that of the first one that used it. */
  readonly #kinds = new WeakMap<LiveMap, string>();

  constructor(
    descriptors: Descriptors,
    network: () => NetworkTables,
    entries: RedirectEntries,
    objects: ReadonlyMap<LiveMap, MapObject>,
    sockets: () => SocketMaps,
    cgroups: Map<number, ControlGroup>,
  ) {
    this.#sockets = sockets;
    this.#cgroups = cgroups;
    this.#descriptors = descriptors;
    this.#network = network;
    this.#entries = entries;
    this.#objects = objects;
  }

  /** A program is put into a prog array, or tail calls through it: false where others of another kind did so before. */
  claimProgramArray(map: LiveMap, program: ProgramSpec, jited: boolean): boolean {
    const kind = `${program.type} ${program.flags & BPF_F_XDP_HAS_FRAGS} ${jited}`;
    if ((this.#kinds.get(map) ?? kind) !== kind) return false;
    this.#kinds.set(map, kind);
    return true;
  }

  acquireMap(fd: number): LiveMap | number {
    const described = this.#descriptors.get(fd);
    if (described === undefined) return -EBADF;
    if (!(described instanceof MachineMap)) return -EINVAL;
    described.object.reference();
    return described.object.live;
  }

  releaseMap(map: LiveMap): void {
    this.#objects.get(map)?.unreference();
  }

  acquire(map: LiveMap, index: number, request: ReferenceRequest): Reference | number {
    switch (map.type) {
      case "prog_array":
        return this.#acquireProgram(map, request.target);
      case "devmap":
      case "devmap_hash":
        return this.#acquireDevice(request);
      case "cpumap":
        return this.#acquireCpu(index, request);
      case "xskmap":
        return this.#acquireSocket(request.target);
      case "sockmap":
      case "sockhash":
      case "reuseport_sockarray":
        return this.#acquireStream(map, request.target);
      case "sk_storage":
        return this.#acquireOwner(request.target);
      case "cgroup_array":
        return this.#acquireCgroup(request.target);
      default:
        return -EBADF;
    }
  }

  release(map: LiveMap, handle: number): void {
    if (socketMaps.has(map.type)) {
      this.#sockets().release(map, handle);
      return;
    }
    // Owners of storage are looked at, not held; cgroups are not counted.
    if (map.type === "sk_storage" || map.type === "cgroup_array") return;
    if (map.type !== "prog_array") {
      this.#entries.remove(handle);
      return;
    }
    const held = this.#held.get(handle);
    if (held === undefined || --held.count > 0) {
      held?.program.unreference();
      return;
    }
    this.#held.delete(handle);
    held.program.unreference();
  }

  #acquireProgram(map: LiveMap, fd: number): Reference | number {
    const program = this.#descriptors.get(fd);
    if (program === undefined) return -EBADF;
    if (!(program instanceof MachineProgram)) return -EINVAL;
    if (!this.claimProgramArray(map, program.spec, program.object.parts.jited)) return -EINVAL;
    const handle = program.image.record;
    const held = this.#held.get(handle);
    if (held === undefined) this.#held.set(handle, { program, count: 1 });
    else held.count++;
    program.reference();
    return { handle, id: program.id };
  }

  #acquireDevice(request: ReferenceRequest): Reference | number {
    const device = this.#network().devices.get(request.target);
    if (device === undefined) return -EINVAL;
    const program = this.#programBehind(request, "xdp_devmap");
    if (typeof program === "number") return program;
    return { handle: this.#entries.add({ kind: "device", device, program }), id: program?.id ?? 0 };
  }

  #acquireCpu(cpu: number, request: ReferenceRequest): Reference | number {
    const program = this.#programBehind(request, "xdp_cpumap");
    if (typeof program === "number") return program;
    const handle = this.#entries.add({ kind: "cpu", cpu, queueSize: request.target, waiting: 0, program });
    return { handle, id: program?.id ?? 0 };
  }

  #acquireSocket(fd: number): Reference | number {
    const socket = this.#descriptors.get(fd);
    if (socket === undefined) return -EBADF;
    if (!(socket instanceof XdpSocket)) return -EOPNOTSUPP;
    return { handle: this.#entries.add({ kind: "socket", socket }), id: 0 };
  }

  #acquireStream(map: LiveMap, fd: number): Reference | number {
    const described = this.#descriptors.get(fd);
    if (described === undefined) return -EBADF;
    return described instanceof Socket ? this.#sockets().acquire(map, described) : -ENOTSOCK;
  }

  /** Storage hangs on the socket's number. */
  #acquireOwner(fd: number): Reference | number {
    const socket = this.#descriptors.get(fd);
    if (socket === undefined) return -EBADF;
    return socket instanceof Socket ? { handle: socket.handle, id: 0 } : -ENOTSOCK;
  }

  #acquireCgroup(fd: number): Reference | number {
    const cgroup = this.#descriptors.get(fd);
    if (!(cgroup instanceof Cgroup)) return -EBADF;
    this.#cgroups.set(Number(cgroup.id), cgroup);
    return { handle: Number(cgroup.id), id: 0 };
  }

  /** The program that an entry of a device or CPU map names; it has to be made for that. */
  #programBehind(
    request: ReferenceRequest,
    attachType: "xdp_devmap" | "xdp_cpumap",
  ): MachineProgram | undefined | number {
    if (request.program === undefined) return undefined;
    const program = this.#descriptors.get(request.program);
    if (program === undefined) return -EBADF;
    if (!(program instanceof MachineProgram)) return -EINVAL;
    return program.type === "xdp" && program.attachType === attachType ? program : -EINVAL;
  }
}
