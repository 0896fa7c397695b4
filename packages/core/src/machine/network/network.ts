import { EEXIST, ERANGE } from "../../abi/index.js";
import { BpfError } from "../../base/index.js";
import type { LinearMemory } from "../../wasm/index.js";
import type { CgroupTree } from "../cgroup/index.js";
import type { Descriptors } from "../descriptors.js";
import { failure } from "../failure.js";
import { BridgeDevice } from "./bridge-device.js";
import { CgroupPrograms } from "./cgroup-programs.js";
import type { Device } from "./device.js";
import { type DeviceOptions, VethDevice } from "./device.js";
import type { NetworkEvent } from "./event.js";
import { FlowDissection } from "./flow-dissection.js";
import { type Frame, FramePool } from "./frame.js";
import { FrameQueue } from "./frame-queue.js";
import { IpHooks } from "./ip-hooks.js";
import { Namespace } from "./namespace.js";
import { PacketPath } from "./packet-path.js";
import type { ProgramRun } from "./program-run.js";
import type { RedirectEntries } from "./redirect-entry.js";
import type { Socket } from "./socket.js";
import { SocketLookup } from "./socket-lookup.js";
import { SocketMaps } from "./socket-maps.js";
import { SocketPrograms } from "./socket-programs.js";
import { SocketStreams } from "./socket-streams.js";
import { step } from "./step.js";
import { VlanDevice } from "./vlan-device.js";

/** Frames that wait for a device at most: what comes then is dropped (net.core.netdev_max_backlog). */
const BACKLOG_LIMIT = 1000;
/** Steps that one send may cause before it is taken for a loop. */
const DRAIN_LIMIT = 1_000_000;

/** Choices for a bridge. */
export interface BridgeOptions {
  /** The current namespace by default. */
  readonly namespace?: Namespace | undefined;
  readonly ports?: readonly Device[] | undefined;
}

/** One end of a veth pair. */
export interface VethEnd extends DeviceOptions {
  readonly name: string;
  /** The current namespace by default. */
  readonly namespace?: Namespace | undefined;
}

/**
 * All devices of a Machine, and the loop that moves frames between them. A step takes one frame as far as the next queue:
 * what a device received waits until the steps before it are done, in the order of arrival, so that the same sends always
 * do the same, and packets that run in circles take steps and no stack.
 */
export class Network {
  readonly frames: FramePool;
  readonly programs: ProgramRun;
  /** @internal */
  readonly entries: RedirectEntries;
  /** Where devices, socket addresses and routes are looked up when nothing else is said. */
  current: Namespace;
  /** The namespace that the Machine starts with. */
  readonly initial: Namespace;
  /** False leaves frames where they are until {@link run} is called; true (the default) moves them at each send. */
  automatic = true;
  /** @internal Sockets are among them. */
  readonly descriptors: Descriptors;
  /** @internal */
  readonly cgroups: CgroupTree;
  /** @internal What programs see of sockets. */
  readonly hooks: SocketPrograms;
  /** @internal Maps of sockets, what they do to streams, and how sockets are found. */
  readonly socketMaps: SocketMaps;
  readonly streams: SocketStreams;
  readonly lookup: SocketLookup;
  /** @internal Programs of netfilter and of routes. */
  readonly ipHooks: IpHooks;
  /** @internal */
  readonly dissection: FlowDissection;
  /** @internal Values that hang on a socket go with it. */
  releaseStorage: (handle: number) => void = () => {};
  /** @internal Connections, for which time passes. */
  readonly clocks = new Set<{ readonly deadline: number | undefined; timeout(): void }>();
  readonly #memory: LinearMemory;
  readonly #namespaces = new Set<Namespace>();
  readonly #waiting = new FrameQueue();
  /** What a step leaves to be done at once, the next at the end. */
  readonly #immediate: Frame[] = [];
  readonly #path: PacketPath;
  #running = false;
  #lastMac = 0;
  #lastCookie = 0n;
  #lastNamespace = 0;

  constructor(programs: ProgramRun, entries: RedirectEntries, descriptors: Descriptors, cgroups: CgroupTree) {
    const { runtime, network } = programs.environment;
    this.#memory = runtime.memory;
    this.frames = new FramePool(runtime.memory);
    this.programs = programs;
    this.entries = entries;
    this.descriptors = descriptors;
    this.cgroups = cgroups;
    this.socketMaps = new SocketMaps(programs.environment.sockets);
    this.streams = new SocketStreams(programs);
    this.lookup = new SocketLookup(programs);
    this.ipHooks = new IpHooks(programs);
    this.dissection = new FlowDissection(programs);
    programs.environment.dissect = (frame) => {
      const namespace = this.#withDissector();
      return namespace && this.dissection.hash(namespace, frame.slice());
    };
    this.hooks = new SocketPrograms(programs, new CgroupPrograms(programs));
    this.initial = new Namespace(this, "", network);
    this.current = this.initial;
    this.#namespaces.add(this.initial);
    this.#path = new PacketPath(this);
    programs.environment.clone = (index, flags) => this.#path.clone(index, flags);
  }

  get namespaces(): readonly Namespace[] {
    return [...this.#namespaces];
  }

  /** Receives what the kernel would tell by tracepoints: refused verdicts, failed redirections, faults. */
  set onEvent(listener: (event: NetworkEvent) => void) {
    this.programs.event = listener;
  }

  createNamespace(name: string = `ns${this.#namespaces.size}`): Namespace {
    const namespace = new Namespace(this, name);
    this.#namespaces.add(namespace);
    return namespace;
  }

  /** Two devices that are each other's wire. @throws SyscallError EEXIST, EINVAL for names that no device may have */
  createVeth(left: VethEnd, right: VethEnd): [VethDevice, VethDevice] {
    const [here, there] = [left.namespace ?? this.current, right.namespace ?? this.current];
    here.checkName(left.name);
    there.checkName(right.name);
    const one = here.add(new VethDevice(here, left.name, left));
    const other = there.add(new VethDevice(there, right.name, right));
    one.join(other);
    other.join(one);
    return [one, other];
  }

  /** A bridge, of which these devices are ports. @throws SyscallError EEXIST, EINVAL, EBUSY as {@link BridgeDevice.addPort} says. */
  createBridge(
    name: string,
    { namespace = this.current, ports = [], ...options }: DeviceOptions & BridgeOptions = {},
  ): BridgeDevice {
    namespace.checkName(name);
    const bridge = namespace.add(new BridgeDevice(namespace, name, options));
    for (const port of ports) bridge.addPort(port);
    return bridge;
  }

  /** A device for a VLAN (802.1Q) of another one. @throws SyscallError EEXIST, EINVAL, ERANGE for an id that there isn't. */
  createVlan(name: string, parent: Device, vlanId: number): VlanDevice {
    const { namespace } = parent;
    namespace.checkName(name);
    if (!(Number.isInteger(vlanId) && vlanId >= 0 && vlanId <= 4094))
      throw failure("RTM_NEWLINK", ERANGE, `${vlanId} is no VLAN`);
    if (parent.vlans.has(vlanId)) throw failure("RTM_NEWLINK", EEXIST, `${parent.name} has VLAN ${vlanId} already`);
    return namespace.add(new VlanDevice(namespace, name, parent, vlanId));
  }

  /** Frames that wait. */
  get pending(): number {
    return this.#waiting.length + this.#immediate.length;
  }

  /** Moves frames until none waits, at most `limit` steps; how many there were. */
  run(limit: number = DRAIN_LIMIT): number {
    if (this.#running) return 0;
    this.#running = true;
    const runtime = this.programs.environment.runtime;
    const { cpu } = runtime;
    const tables = this.programs.environment.network;
    let steps = 0;
    try {
      for (; steps < limit; steps++) {
        const frame = this.#immediate.pop() ?? this.#next();
        if (frame === undefined) break;
        if (frame.cpu !== runtime.cpu) runtime.setCpu(frame.cpu);
        this.#path.step(frame);
      }
    } finally {
      this.#running = false;
      if (runtime.cpu !== cpu) runtime.setCpu(cpu);
      this.programs.environment.network = tables;
    }
    return steps;
  }

  /** @internal After a send. @throws BpfError `"LOOP"` for packets that run in circles; they are still there. */
  drain(): void {
    if (!this.automatic) return;
    if (this.run(DRAIN_LIMIT) === DRAIN_LIMIT)
      throw new BpfError("LOOP", `${this.pending} frames are still on their way after ${DRAIN_LIMIT} steps`);
  }

  /** @internal A frame comes in at a device's driver. */
  arrive(frame: Frame, device: Device, queue: number): void {
    this.#enqueue(frame, device, step.driver);
    frame.queue = queue;
    const { cpus } = this.programs.environment.runtime;
    frame.cpu = queue === 0 ? 0 : queue % cpus;
  }

  /** @internal A frame comes in past the driver (netif_rx). */
  backlog(frame: Frame, device: Device): void {
    this.#enqueue(frame, device, step.stack);
  }

  /** @internal A frame waits for a CPU that a CPU map named. */
  forCpu(frame: Frame, cpu: number): void {
    frame.cpu = cpu;
    frame.step = step.cpu;
    frame.device.backlog++;
    this.#waiting.push(frame);
  }

  /** @internal A frame is to be sent once what waits is done. */
  transmitLater(frame: Frame, device: Device): void {
    frame.device = device;
    frame.step = step.transmit;
    device.backlog++;
    this.#waiting.push(frame);
  }

  /** @internal Goes on with a frame before anything that waits, and before what was said so earlier. */
  immediately(frame: Frame, next: number): void {
    frame.step = next;
    this.#immediate.push(frame);
  }

  /** @internal A frame goes out of its device before anything else happens. */
  sendAtOnce(frame: Frame): void {
    this.immediately(frame, step.transmit);
  }

  /** @internal A frame has come to its device from another one below it. */
  receiveAtOnce(frame: Frame): void {
    this.immediately(frame, step.stack);
  }

  /** @internal Does `work`, and all that it leaves to be done at once, in the middle of a step. */
  atOnce(work: () => void): void {
    const { length } = this.#immediate;
    work();
    while (this.#immediate.length > length) this.#path.step(this.#immediate.pop()!);
  }

  /** @internal */
  drop(frame: Frame): void {
    this.frames.release(frame);
  }

  /** @internal The frame's bytes where they lie, good until something else moves; without its VLAN tag. */
  view(frame: Frame): Uint8Array {
    return this.#memory.u8.subarray(frame.data, frame.end);
  }

  /** @internal A copy of the frame as it is on a wire: with its VLAN tag in it. */
  bytes(frame: Frame): Uint8Array {
    if (frame.vlanProtocol === 0) return this.#memory.copy(frame.data, frame.length);
    const bytes = new Uint8Array(frame.length + 4);
    bytes.set(this.#memory.u8.subarray(frame.data, frame.data + 12));
    new DataView(bytes.buffer).setUint16(12, frame.vlanProtocol);
    new DataView(bytes.buffer).setUint16(14, frame.vlanTci);
    bytes.set(this.#memory.u8.subarray(frame.data + 12, frame.end), 16);
    return bytes;
  }

  /** @internal Nanoseconds since 1970, by the Machine's clock. */
  time(): bigint {
    return this.programs.environment.clock.tai();
  }

  /** @internal A socket was closed: maps and views let go of it. */
  socketClosed(socket: Socket): void {
    this.socketMaps.closed(socket);
    this.releaseStorage(socket.handle);
    this.programs.environment.sockets.drop(socket);
  }

  /** @internal Nanoseconds of the Machine's clock. */
  now(): number {
    return this.programs.environment.clock.monotonic();
  }

  /** @internal The time at which something is due next; undefined for never. */
  get nextDue(): number | undefined {
    let next: number | undefined;
    for (const { deadline } of this.clocks)
      if (deadline !== undefined && (next === undefined || deadline < next)) next = deadline;
    return next;
  }

  /** @internal Does what is due by now. */
  runDue(): void {
    const now = this.now();
    for (const clock of [...this.clocks]) if (clock.deadline !== undefined && clock.deadline <= now) clock.timeout();
    this.drain();
  }

  /** @internal 32 bits that nobody guesses, but for who knows the Machine's seed. */
  random(): number {
    return this.programs.environment.random.next() >>> 0;
  }

  /** @internal */
  nextNamespace(): number {
    return ++this.#lastNamespace;
  }

  /** @internal */
  nextCookie(): bigint {
    return ++this.#lastCookie;
  }

  /** @internal */
  nextMac(): Uint8Array {
    const number = ++this.#lastMac;
    return Uint8Array.of(2, 0, 0, 0, number >> 8, number & 0xff);
  }

  /** @internal */
  close(): void {
    this.#path.close();
    this.frames.close();
  }

  /** The namespace of the run in progress, where that has a flow dissector. */
  #withDissector(): Namespace | undefined {
    const tables = this.programs.environment.network;
    for (const namespace of this.#namespaces)
      if (namespace.dissector !== undefined && namespace.tables === tables) return namespace;
    return undefined;
  }

  #next(): Frame | undefined {
    const frame = this.#waiting.shift();
    if (frame !== undefined) frame.device.backlog--;
    return frame;
  }

  #enqueue(frame: Frame, device: Device, next: number): void {
    if (device.backlog >= BACKLOG_LIMIT) {
      device.counters.rxDropped++;
      this.drop(frame);
      return;
    }
    device.backlog++;
    frame.device = device;
    frame.step = next;
    frame.depth = 0;
    frame.origin = undefined;
    this.#waiting.push(frame);
  }
}
