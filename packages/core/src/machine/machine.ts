import { type AttachType, EINVAL, ENOENT, ENOTSUPP, helperPrototypes, type ProgramType } from "../abi/index.js";
import type { Btf } from "../btf/index.js";
import {
  BpfMap,
  type ClsactOptions,
  type CookieOptions,
  type DeviceHooks,
  type Host,
  type KprobeMultiOptions,
  type KprobeOptions,
  type Link,
  type LoadedObject,
  type LwtRoute,
  mapCodecs,
  type NetfilterOptions,
  type ObjectShape,
  type PerfEventOptions,
  type Program,
  type SocketHooks,
  type TestRunOptions,
  type TestRunResult,
  type TracingHooks,
  type UprobeMultiOptions,
  type UprobeOptions,
  type XdpMode,
} from "../host/index.js";
import type { Jit } from "../jit/index.js";
import { createMap, type LiveMap, LocalStorageMap, MapCore } from "../maps/index.js";
import {
  type Clock,
  createArgumentGuard,
  type DeviceAccess,
  Environment,
  functionRecord,
  installHelpers,
  installKfuncs,
  type KernelMemory,
  type KernelValue,
  ManualClock,
  type ObjectLayout,
  packetLoader,
  Random,
  Runtime,
  type Task,
} from "../runtime/index.js";
import type { MapSpec, ObjectSpec, ProgramSpec } from "../spec/index.js";
import { layOutSections } from "../verifier/index.js";
import { LinearMemory } from "../wasm/index.js";
import { BpfFilesystem } from "./bpf-filesystem.js";
import { BtfObjects } from "./btf-objects.js";
import { type Cgroup, type CgroupAttachOptions, CgroupHooks, CgroupTree } from "./cgroup/index.js";
import { type Credentials, Permissions, ROOT } from "./credentials.js";
import { Descriptors } from "./descriptors.js";
import { EngineChoice } from "./engine-choice.js";
import { EventHub } from "./event-hub.js";
import { failure } from "./failure.js";
import { type LinkObject, MachineLink, type MachineLinkKind } from "./machine-link.js";
import { MachineMap } from "./machine-map.js";
import { MachineProgram } from "./machine-program.js";
import { mapAttributes } from "./map-attributes.js";
import { MapObject, releaseValues } from "./map-object.js";
import { MachineReferences } from "./map-references.js";
import {
  askForSysctl,
  type BridgeDevice,
  type BridgeOptions,
  type CaptureDeviceOptions,
  type Device,
  type DeviceOptions,
  type DeviceReference,
  MachineDeviceHooks,
  MachineSocketHooks,
  type Namespace,
  Network,
  type PacketSocket,
  ProgramRun,
  RedirectEntries,
  type Socket,
  type VethDevice,
  type VethEnd,
  type VlanDevice,
  XdpSocket,
} from "./network/index.js";
import { type MachineLoadOptions, ObjectLoader } from "./object-loader.js";
import { nicLimits, SimulatedNic } from "./offload/index.js";
import { type BatchedPacket, PacketBatch } from "./packet-batch.js";
import { createPacketHook } from "./packet-hook.js";
import { PacketRunner } from "./packet-runner.js";
import { type PinnedObject, pinnedObject } from "./pinned-object.js";
import { type ProgramSurroundings, prepareProgram } from "./program-loader.js";
import { ProgramObject } from "./program-object.js";
import { PinRestorer, PinSaver, type SnapshotHost } from "./snapshot.js";
import { Statistics } from "./statistics.js";
import { Sysctls } from "./sysctls.js";
import { COMMAND, type TestRunner } from "./test-run.js";
import { testRunners } from "./test-runners.js";
import {
  type FiredRun,
  KernelEvents,
  type MachineIteratorLink,
  type MachineIteratorOptions,
  MachineTracingHooks,
  StructOps,
} from "./tracing/index.js";
import type { TranslationOptions } from "./translating-engine.js";

/** Choices for a {@link Machine}. */
export interface MachineOptions {
  /** Possible CPUs, 1 by default. Programs run on CPU 0 unless told otherwise. */
  readonly cpus?: number | undefined;
  /** What programs read as time; a {@link ManualClock} at one second after boot by default. */
  readonly clock?: Clock | undefined;
  /** Seed of bpf_get_prandom_u32() and of hash tables; runs with the same seed do the same. */
  readonly seed?: number | undefined;
  /** The task that programs run in the context of. */
  readonly task?: Partial<Task> | undefined;
  /**
   * The types of the kernel that the Machine stands for (`loadKernelTypes()` of `@tsbpf/core/kernel-types`, or a running
   * kernel's): objects are relocated against them, and programs that trace, or call kernel functions, verified with them.
   */
  readonly kernelTypes?: Btf | undefined;
  /**
   * What runs programs: translated to WebAssembly (the default), where those that the verifier accepted run without checks
   * of their own, or interpreted.
   */
  readonly engine?: "jit" | "interpreter" | undefined;
  /** The JIT's hardening and limits, as Linux has them under `net.core.bpf_jit_*`; {@link Machine.jit} changes them. */
  readonly jit?: TranslationOptions | undefined;
  /** Slots that one run may execute, 10 million by default. */
  readonly budget?: number | undefined;
  /** Bytes of linear memory at most, for maps, packets and stacks together; nearly 4 GiB by default. */
  readonly memory?: number | undefined;
  /** Receives what programs print with bpf_trace_printk(), a call at a time. */
  readonly trace?: ((text: string) => void) | undefined;
  /** Receives what the kernel would log, a line at a time: the JIT's dumps. */
  readonly kernelLog?: ((line: string) => void) | undefined;
}

/** Attachments by netlink, BPF_PROG_ATTACH or a socket option, which are no links of bpf(2). */
const NO_LINK: ReadonlySet<MachineLinkKind> = new Set(["tc", "cgroup_prog", "sockmap", "socket", "reuseport", "lwt"]);

/** A BPF subsystem in memory: needs no kernel and no rights, and does the same each time. */
export class Machine implements Host, DeviceHooks, SocketHooks, TracingHooks {
  readonly kind = "machine";
  readonly runtime: Runtime;
  /** Clock, randomness, task, devices, routes and sockets that programs see. */
  readonly environment: Environment;
  /** @internal */
  readonly events = new EventHub();
  /** @internal */
  readonly descriptors = new Descriptors();
  /** Control groups: whose sockets' programs run. */
  readonly cgroups: CgroupTree;
  /** Namespaces, devices, and the frames between them. */
  readonly network: Network;
  /** Pins: programs, maps and links by path. They live as long as the Machine, or until they are taken away. */
  readonly bpffs = new BpfFilesystem<PinnedObject>(() => this.#permissions.current);
  /** The settings of BPF: `machine.sysctls.write("net.core.bpf_jit_harden", 2)`. */
  readonly sysctls: Sysctls;
  readonly #permissions: Permissions;
  /** Says what happens in the kernel, for programs that trace. */
  readonly fire: KernelEvents;
  readonly #tracing: MachineTracingHooks;
  readonly #structOps: StructOps;
  readonly #maps: MapCore;
  readonly #references: MachineReferences;
  readonly #objects = new Map<LiveMap, MapObject>();
  readonly #kfuncs: ReadonlyMap<string, number>;
  readonly #engine: EngineChoice;
  readonly #hooks: MachineDeviceHooks;
  readonly #cgroupHooks: CgroupHooks;
  readonly #socketHooks: MachineSocketHooks;
  readonly #links = new Set<LinkObject>();
  readonly #runners = new Map<ProgramType, TestRunner>();
  readonly #programs = new Map<number, ProgramObject>();
  readonly #types = new BtfObjects();
  readonly #statistics = new Statistics();
  readonly #cards: SimulatedNic[] = [];
  #lastProgramId = 0;
  #lastLinkId = 0;

  constructor(options: MachineOptions = {}) {
    const memory = new LinearMemory(options.memory === undefined ? {} : { maximum: options.memory });
    this.runtime = new Runtime({ memory, cpus: options.cpus ?? 1, ...(options.budget && { budget: options.budget }) });
    const { cpus, cpuGlobal: cpu, regions } = this.runtime;
    const seeds = new Random((options.seed ?? 1) ^ 0x5eed);
    this.#maps = new MapCore({ memory, cpus, cpu, regions, seed: () => seeds.next() >>> 0 });
    this.environment = new Environment(this.runtime, this.#maps, options);
    if (options.trace !== undefined) this.environment.trace = options.trace;
    const entries = new RedirectEntries();
    this.#references = new MachineReferences(
      this.descriptors,
      () => this.network.current.tables,
      entries,
      this.#objects,
      () => this.network.socketMaps,
      this.environment.heldCgroups,
    );
    this.cgroups = new CgroupTree(this.environment, this.descriptors);
    this.network = new Network(
      new ProgramRun(this.environment, this.#maps, this.events),
      entries,
      this.descriptors,
      this.cgroups,
    );
    this.#hooks = new MachineDeviceHooks(this.network, this);
    this.#tracing = new MachineTracingHooks(this.environment, this);
    this.fire = new KernelEvents(this.environment, this.#maps, this.events, this.#tracing.table);
    this.#structOps = new StructOps(this.environment, this.fire, this);
    this.#cgroupHooks = new CgroupHooks(this.cgroups, this);
    this.#socketHooks = new MachineSocketHooks(this.network, this, this.descriptors);
    this.network.releaseStorage = (socket) => {
      for (const live of this.#objects.keys())
        if (live instanceof LocalStorageMap && live.type === "sk_storage") live.drop(socket);
    };
    this.environment.timers.holds = {
      isHeld: (map) => this.#objects.get(map)?.isHeld ?? false,
      holdProgram: (callback) => this.#holdProgram(callback),
    };
    this.environment.objects.layoutOf = (typeId) => this.#layoutOf(typeId);
    installHelpers(this.environment);
    this.#kfuncs = installKfuncs(this.environment);
    const guard = createArgumentGuard(this.runtime, helperPrototypes, (address) => this.#maps.mapAt(address));
    this.runtime.helpers.setGuard(guard);
    this.runtime.loadPacket = packetLoader(this.runtime);
    this.#engine = new EngineChoice(this.runtime, this.#maps, {
      enable: options.engine === "interpreter" ? 0 : 1,
      jit: options.jit,
      log: options.kernelLog ?? (() => {}),
    });
    this.sysctls = new Sysctls({
      engine: this.#engine,
      jit: this.#engine.translating.jit.settings,
      statistics: this.#statistics,
      permissions: () => this.#permissions,
      ask: (path, current, written) => askForSysctl(this.network.current, path, current, written),
    });
    const { uid, gid } = this.environment.task;
    this.#permissions = new Permissions({ ...ROOT, uid, gid }, () => this.sysctls.unprivilegedDisabled !== 0);
    for (const runner of testRunners(this.environment, this.fire)) {
      for (const type of runner.types) this.#runners.set(type, runner);
    }
  }

  get cpus(): number {
    return this.runtime.cpus;
  }

  /** The JIT: its settings (for programs to come) and the symbols of its code. Undefined where programs are interpreted. */
  get jit(): Pick<Jit, "settings" | "size" | "symbols"> | undefined {
    return this.#engine.enable === 0 ? undefined : this.#engine.translating.jit;
  }

  /** Who calls: root with every capability, unless within {@link as}. */
  get credentials(): Credentials {
    return this.#permissions.current;
  }

  /**
   * Does `work` as another user, with the capabilities that it has: what bpf(2) would not let it do is EPERM, and its
   * programs are verified as those of an unprivileged user where it is one. A load belongs to whoever began it.
   */
  as<T>(credentials: Credentials, work: () => T): T {
    return this.#permissions.as(credentials, work);
  }

  /** Programs as /proc/kallsyms lists them; none unless `net.core.bpf_jit_kallsyms` is 1. */
  kallsyms(): string[] {
    if (this.sysctls.kallsyms === 0) return [];
    return this.#engine.translating.jit.symbols().map(({ address, name }) => {
      return `${address.toString(16).padStart(16, "0")} t ${name}\t[bpf]`;
    });
  }

  /** Objects of the kernel, for programs to look into: `machine.kernel.create("task_struct", { pid: 7 })`. */
  get kernel(): KernelMemory {
    return this.environment.kernel;
  }

  async load<Shape extends ObjectShape = ObjectShape>(
    spec: ObjectSpec,
    options: MachineLoadOptions = {},
  ): Promise<LoadedObject<Shape>> {
    const choices = this.#choices(options);
    // Where compilers left it to the loader, variables get their places in sections.
    const btf = layOutSections(spec);
    const loader = new ObjectLoader({ ...spec, btf }, choices, {
      createMap: (map) => this.#createMap(map, btf),
      loadProgram: (program, maps) => this.#loadProgram(program, surroundings(maps, btf, choices)),
    });
    return this.#permissions.within(options.capabilities, () => loader.load()) as unknown as LoadedObject<Shape>;
  }

  async loadProgram(spec: ProgramSpec, options: Omit<MachineLoadOptions, "programs"> = {}): Promise<MachineProgram> {
    const maps = new Map(Object.entries(options.maps ?? {}));
    const given = surroundings(maps, undefined, this.#choices(options));
    return this.#permissions.within(options.capabilities, () => this.#loadProgram(spec, given));
  }

  createMap(spec: MapSpec): BpfMap {
    return new BpfMap(this.#createMap(spec, undefined), mapCodecs(spec, undefined)) as BpfMap;
  }

  /**
   * For running many packets through one program.
   *
   * @throws SyscallError ENOTSUPP for a program type that doesn't run on packets.
   */
  createPacketRunner(program: MachineProgram): PacketRunner {
    const hook = createPacketHook(this.environment, program.type);
    if (hook === undefined) throw failure(COMMAND, ENOTSUPP, `programs of type ${program.type} don't run on packets`);
    return new PacketRunner(program, { environment: this.environment, maps: this.#maps, events: this.events, hook });
  }

  /**
   * For running many packets through one program when nobody has to know of each before the next one runs. `visit` is
   * called for each packet that was run.
   *
   * @throws SyscallError ENOTSUPP for a program type that doesn't run on packets.
   */
  createPacketBatch(program: MachineProgram, visit: (packet: BatchedPacket) => void): PacketBatch {
    const runner = this.createPacketRunner(program);
    const createHook = () => createPacketHook(this.environment, program.type)!;
    return new PacketBatch(runner, visit, {
      environment: this.environment,
      maps: this.#maps,
      events: this.events,
      createHook,
    });
  }

  /** An XDP program on a device of the current namespace. Errors as {@link DeviceHooks} says. */
  attachXdp(
    program: Program,
    device: DeviceReference,
    options: { readonly mode?: XdpMode | undefined } = {},
  ): MachineLink {
    return this.#hooks.attachXdp(program, device, options);
  }

  /** A tc program by a tcx link. */
  attachTcx(
    program: Program,
    device: DeviceReference,
    direction: "ingress" | "egress",
    options: { readonly before?: Link | undefined; readonly after?: Link | undefined } = {},
  ): MachineLink {
    return this.#hooks.attachTcx(program, device, direction, options);
  }

  /**
   * A tc program by a filter on the device's clsact qdisc. Without `directAction` it returns a class, and any but 0 lets
   * the packet pass.
   */
  attachClsact(
    program: Program,
    device: DeviceReference,
    direction: "ingress" | "egress",
    options: ClsactOptions & { readonly directAction?: boolean | undefined } = {},
  ): MachineLink {
    return this.#hooks.attachClsact(program, device, direction, options);
  }

  /** A tracepoint; it fires with `fire.tracepoint()`. Errors of these as {@link TracingHooks} says. */
  attachTracepoint(program: Program, name?: string, options?: CookieOptions): MachineLink {
    return this.#tracing.attachTracepoint(program, name, options);
  }

  /** Raw and BTF-typed tracepoints (`fire.rawTracepoint()`), fentry, fexit, fmod_ret (`fire.kernelCall()`), LSM (`fire.lsm()`). */
  attachRawTracepoint(program: Program, name?: string, options?: CookieOptions): MachineLink {
    return this.#tracing.attachRawTracepoint(program, name, options);
  }

  /** Entry or return of a kernel function; it fires with `fire.kernelCall()`. */
  attachKprobe(program: Program, options?: KprobeOptions): MachineLink {
    return this.#tracing.attachKprobe(program, options);
  }

  attachKprobeMulti(program: Program, options: KprobeMultiOptions): MachineLink {
    return this.#tracing.attachKprobeMulti(program, options);
  }

  /** A place in a file, which the Machine does not read; it fires with `fire.userCall()` for the same path and place. */
  attachUprobe(program: Program, path: string, options: UprobeOptions): MachineLink {
    return this.#tracing.attachUprobe(program, path, options);
  }

  attachUprobeMulti(program: Program, path: string, options: UprobeMultiOptions): MachineLink {
    return this.#tracing.attachUprobeMulti(program, path, options);
  }

  /** Samples of a perf event; it fires with `fire.perfSample()`. */
  attachPerf(program: Program, options: PerfEventOptions): MachineLink {
    return this.#tracing.attachPerf(program, options);
  }

  /** Puts a struct_ops map in force: its members are called with {@link callStructOps}. */
  attachStructOps(map: BpfMap): MachineLink {
    return this.#structOps.attach(map);
  }

  /** Calls a member of a struct_ops map in force, as the kernel would. Errors as `StructOps.call` says. */
  callStructOps(map: BpfMap, member: string, args: readonly KernelValue[]): FiredRun | undefined {
    return this.#structOps.call(map, member, args);
  }

  /** An iterator over a map's elements, over the Machine's tasks, or over what the caller gives. */
  attachIterator(program: Program, options?: MachineIteratorOptions): MachineIteratorLink {
    return this.#tracing.attachIterator(program, options);
  }

  /**
   * A program of a cgroup and of everything below it: packets of its sockets, calls on them, what connections do.
   *
   * @param cgroup itself, or its path from the root.
   * @param attachType where the program doesn't say it itself: the direction of a cgroup_skb program.
   * @throws SyscallError ENOENT, EINVAL for a program of another type, EPERM where a cgroup above or the programs that are
   * there do not allow it, E2BIG for more than 64.
   */
  attachCgroup(
    program: Program,
    cgroup: Cgroup | string,
    attachType?: AttachType,
    options: CgroupAttachOptions = {},
  ): MachineLink {
    return this.#cgroupHooks.attach(program, cgroup, attachType, options);
  }

  /** Programs of maps of sockets: sk_msg, and sk_skb parsers and verdicts. Errors of these as {@link SocketHooks} says. */
  attachSockmap(program: Program, map: BpfMap, attachType?: AttachType): MachineLink {
    return this.#socketHooks.attachSockmap(program, map, attachType);
  }

  /** An sk_lookup program, or the flow dissector, of the current namespace. */
  attachNetworkNamespace(program: Program): MachineLink {
    return this.#socketHooks.attachNetworkNamespace(program);
  }

  attachSocketFilter(program: Program, socket: Socket | PacketSocket | number): MachineLink {
    return this.#socketHooks.attachSocketFilter(program, socket);
  }

  /** A filter of classic BPF (SO_ATTACH_FILTER), 8 bytes an instruction; the result takes it away again. */
  attachClassicFilter(
    instructions: Uint8Array,
    socket: Socket | PacketSocket | number,
  ): { close(): void; [Symbol.dispose](): void } {
    return this.#socketHooks.attachClassicFilter(instructions, socket);
  }

  /**
   * A netfilter program of the current namespace. What its context points to is there when the Machine has the kernel's
   * types (`kernelTypes`).
   */
  attachNetfilter(program: Program, options: NetfilterOptions): MachineLink {
    return this.#socketHooks.attachNetfilter(program, options);
  }

  /** A route of the current namespace whose packets go through a program. */
  attachLwt(program: Program, route: LwtRoute): MachineLink {
    return this.#socketHooks.attachLwt(program, route);
  }

  /**
   * A task of the current cgroup uses a device node, as mknod() and open() do: programs of the cgroup may forbid it. There
   * are no such nodes here, so nothing else comes of it.
   *
   * @throws SyscallError EPERM, or what bpf_set_retval() said.
   */
  useDeviceNode(access: DeviceAccess): void {
    const where = { cgroup: this.cgroups.current, namespace: this.network.current };
    const error = this.network.hooks.device(where, access);
    if (error !== 0) throw failure("open", -error, "a program of the cgroup forbids it");
  }

  /** An sk_reuseport program, or a socket filter that returns a number in the group. */
  attachReuseport(program: Program, socket: Socket | number): MachineLink {
    return this.#socketHooks.attachReuseport(program, socket);
  }

  /** A network namespace with a loopback device. `namespace.run()` makes it the current one for a while. */
  createNamespace(name?: string): Namespace {
    return this.network.createNamespace(name);
  }

  /** A pair of devices, each the other's wire. */
  createVeth(left: VethEnd, right: VethEnd): [VethDevice, VethDevice] {
    return this.network.createVeth(left, right);
  }

  /**
   * A network card that runs XDP and tc programs itself: simulated, with memory and maps of its own. It loads them with
   * `nic.load()`; in all else it is as `namespace.createCapture()` makes it.
   */
  createSimulatedNic(
    name: string,
    options: CaptureDeviceOptions & { readonly namespace?: Namespace } = {},
  ): SimulatedNic {
    const namespace = options.namespace ?? this.network.current;
    namespace.checkName(name);
    const card = new Machine({
      memory: nicLimits.memory,
      clock: this.environment.clock,
      kernelTypes: this.kernel.types,
    });
    const nic = new SimulatedNic(namespace, name, options, card);
    this.#cards.push(nic);
    return namespace.add(nic);
  }

  /** A learning bridge. */
  createBridge(name: string, options?: DeviceOptions & BridgeOptions): BridgeDevice {
    return this.network.createBridge(name, options);
  }

  /** A device for a VLAN of another one. */
  createVlan(name: string, parent: Device, vlanId: number): VlanDevice {
    return this.network.createVlan(name, parent, vlanId);
  }

  /** An AF_XDP socket on a queue of a device, for an xskmap: `map.raw.update(key, fd)`. */
  createXdpSocket(device: Device, queue = 0): XdpSocket {
    return new XdpSocket(this.descriptors, device, queue);
  }

  /**
   * Keeps a program, a map or a link under a path of {@link bpffs}: it lives until `bpffs.unlink(path)`.
   *
   * @throws SyscallError EEXIST, ENOENT, ENOTDIR, EPERM as the file system says, EBADF for a closed handle, EINVAL.
   */
  pin(path: string, handle: Program | BpfMap | MachineLink): void {
    const object = pinnedObject(handle, {
      isOpen: (object) => this.descriptors.get(object.fd) === object,
      program: ({ object }) => new MachineProgram(this, object),
      map: ({ object }, codecs) => new BpfMap(new MachineMap(this, object), codecs),
    });
    this.bpffs.pin(path, object);
  }

  /** A new handle to what is pinned there. @throws SyscallError ENOENT, ENOTDIR, EISDIR, EINVAL where it is something else. */
  openProgram(path: string): MachineProgram {
    const pinned = this.bpffs.get(path);
    if (pinned.kind !== "prog") throw failure("BPF_OBJ_GET", EINVAL, `a ${pinned.kind} is pinned at ${path}`);
    return pinned.open() as MachineProgram;
  }

  /** As {@link openProgram}. */
  openMap(path: string): BpfMap {
    const pinned = this.bpffs.get(path);
    if (pinned.kind !== "map") throw failure("BPF_OBJ_GET", EINVAL, `a ${pinned.kind} is pinned at ${path}`);
    return pinned.open() as BpfMap;
  }

  /** As {@link openProgram}. */
  openLink(path: string): MachineLink {
    const pinned = this.bpffs.get(path);
    if (pinned.kind !== "link") throw failure("BPF_OBJ_GET", EINVAL, `a ${pinned.kind} is pinned at ${path}`);
    return pinned.open() as MachineLink;
  }

  /**
   * What is pinned, with the programs and maps that it needs, as bytes for {@link restorePins}.
   *
   * @throws NotSupportedError for pinned links, and for maps whose contents cannot be read.
   */
  savePins(): Uint8Array {
    return this.as(ROOT, () => new PinSaver(this.#snapshotHost()).save());
  }

  /**
   * Makes what {@link savePins} saved again, in this Machine, under new ids: all of it, or nothing where any of it fails.
   *
   * @throws FormatError for what is no such file, SyscallError EEXIST for a path that is taken; and what creating a map or
   * loading a program throws.
   */
  restorePins(saved: Uint8Array): void {
    this.as(ROOT, () => new PinRestorer(this.#snapshotHost()).restore(saved));
  }

  /** Ids of all programs, ascending. */
  get programIds(): number[] {
    return [...this.#programs.keys()];
  }

  /** Ids of all maps, ascending. */
  get mapIds(): number[] {
    return [...this.#objects.values()].map(({ id }) => id).sort((a, b) => a - b);
  }

  /** Ids of all links, ascending. */
  get linkIds(): number[] {
    return [...this.#links].map(({ id }) => id).filter((id) => id > 0);
  }

  /** Ids of the BTF objects, ascending. */
  get btfIds(): number[] {
    return this.#types.ids;
  }

  /** A new handle to the program with this id. @throws SyscallError ENOENT */
  programById(id: number): MachineProgram {
    this.#permissions.require("BPF_PROG_GET_FD_BY_ID", "sys_admin");
    const object = this.#programs.get(id);
    if (object === undefined) throw failure("BPF_PROG_GET_FD_BY_ID", ENOENT, `there is no program ${id}`);
    return new MachineProgram(this, object);
  }

  /** A new handle to the map with this id, its keys and values by its types. @throws SyscallError ENOENT */
  mapById(id: number): BpfMap {
    this.#permissions.require("BPF_MAP_GET_FD_BY_ID", "sys_admin");
    const object = [...this.#objects.values()].find((each) => each.id === id);
    if (object === undefined) throw failure("BPF_MAP_GET_FD_BY_ID", ENOENT, `there is no map ${id}`);
    return new BpfMap(new MachineMap(this, object), mapCodecs(object.spec, object.types?.btf)) as BpfMap;
  }

  /** The types with this id, that programs and maps were loaded with. @throws SyscallError ENOENT */
  btfById(id: number): Btf {
    this.#permissions.require("BPF_BTF_GET_FD_BY_ID", "sys_admin");
    const object = this.#types.byId(id);
    if (object === undefined) throw failure("BPF_BTF_GET_FD_BY_ID", ENOENT, `there is no BTF object ${id}`);
    return object.btf;
  }

  /** A new handle to the link with this id. @throws SyscallError ENOENT */
  linkById(id: number): MachineLink {
    this.#permissions.require("BPF_LINK_GET_FD_BY_ID", "sys_admin");
    const object = id === 0 ? undefined : [...this.#links].find((link) => link.id === id);
    if (object === undefined) throw failure("BPF_LINK_GET_FD_BY_ID", ENOENT, `there is no link ${id}`);
    return new MachineLink(object);
  }

  /** Has runs of all programs counted and timed (`program.info()`) while the result is open. */
  enableStatistics(): { close(): void; [Symbol.dispose](): void } {
    this.#permissions.require("BPF_ENABLE_STATS", "sys_admin");
    return this.#statistics.enable();
  }

  /** Moves frames that wait in the devices, at most `limit` steps; how many there were. */
  run(limit?: number): number {
    return this.network.run(limit);
  }

  /**
   * Moves the machine's clock on and lets the timers fire that are due on the way, at their times: those of programs, whose
   * number is returned, and those of connections.
   *
   * @throws RangeError when the machine's clock is not a {@link ManualClock}: it goes by itself, see {@link runTimers}.
   */
  advance(nanoseconds: number): number {
    const { clock, timers } = this.environment;
    if (!(clock instanceof ManualClock)) throw new RangeError("the machine's clock goes by itself");
    const end = clock.monotonic() + nanoseconds;
    let fired = 0;
    for (;;) {
      const due = Math.min(
        timers.nextDue ?? Number.POSITIVE_INFINITY,
        this.network.nextDue ?? Number.POSITIVE_INFINITY,
      );
      if (due > end) break;
      if (due > clock.monotonic()) clock.set(due);
      fired += timers.runDue(clock);
      this.network.runDue();
    }
    clock.set(end);
    return fired;
  }

  /** Lets the timers fire that are due by now. Returns how many. */
  runTimers(): number {
    const fired = this.environment.timers.runDue(this.environment.clock);
    this.network.runDue();
    return fired;
  }

  close(): void {
    this.bpffs.clear();
    for (const link of [...this.#links].reverse()) link.dispose();
    for (const described of [...this.descriptors]) described.close();
    for (const card of this.#cards.splice(0)) card.closeProcessor();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal BPF_PROG_TEST_RUN */
  testRun(program: MachineProgram, options: TestRunOptions): TestRunResult {
    const runner = this.#runners.get(program.type);
    if (runner === undefined) throw failure(COMMAND, ENOTSUPP, `programs of type ${program.type} have no test run`);
    this.#maps.enterRun();
    try {
      return runner.run(program, options);
    } finally {
      this.#maps.leaveRun();
      this.events.deliver();
      // What bpf_clone_redirect() sent.
      if (this.network.pending > 0) this.network.drain();
    }
  }

  /** @internal */
  owns(program: MachineProgram): boolean {
    return this.#programs.get(program.id) === program.object;
  }

  /** @internal */
  linked(link: LinkObject): number {
    this.#links.add(link);
    return NO_LINK.has(link.kind) ? 0 : ++this.#lastLinkId;
  }

  /** @internal */
  unlinked(link: LinkObject): void {
    this.#links.delete(link);
  }

  /** A type of the program that runs, for bpf_obj_new(). */
  #layoutOf(typeId: number): ObjectLayout | undefined {
    const record = this.runtime.runningImage?.record;
    const program = [...this.#programs.values()].find(({ parts }) => parts.image.record === record);
    return program?.layoutOf(typeId);
  }

  /** A timer's callback keeps its program. */
  #holdProgram(callback: number): () => void {
    const record = this.runtime.memory.u32[(callback + functionRecord.program) >>> 2]!;
    for (const program of this.#programs.values()) {
      if (program.parts.image.record !== record) continue;
      program.reference();
      return () => program.unreference();
    }
    return () => {};
  }

  #choices(options: MachineLoadOptions): MachineLoadOptions {
    return { ...options, targetBtf: options.targetBtf ?? this.kernel.types };
  }

  #snapshotHost(): SnapshotHost {
    return {
      bpffs: this.bpffs,
      mapById: (id) => this.mapById(id),
      programById: (id) => this.programById(id),
      createMap: (spec, btf) => new BpfMap(this.#createMap(spec, btf), mapCodecs(spec, btf)) as BpfMap,
      loadProgram: (spec, maps, btf) => this.#loadProgram(spec, surroundings(maps, btf, this.#choices({}))),
      pin: (path, handle) => this.pin(path, handle),
    };
  }

  #createMap(spec: MapSpec, btf: Btf | undefined): MachineMap {
    this.#permissions.requireMap(spec.type);
    const inner = spec.inner === undefined ? undefined : this.#createMap(spec.inner, btf);
    try {
      const live = createMap(this.#maps, mapAttributes(spec, btf, this.cpus), {
        references: this.#references,
        inner: inner?.object.live,
      });
      const types = btf === undefined ? undefined : this.#types.of(btf);
      const object = new MapObject(
        live,
        { spec, types },
        {
          abandoned: () => this.environment.timers.dropMap(live),
          released: () => {
            releaseValues(this.environment, live);
            this.#objects.delete(live);
          },
        },
      );
      this.#objects.set(live, object);
      return new MachineMap(this, object);
    } finally {
      inner?.close();
    }
  }

  #loadProgram(spec: ProgramSpec, surroundings: ProgramSurroundings): MachineProgram {
    this.#permissions.requireProgram(spec.type);
    const { maps, ...prepared } = prepareProgram(spec, surroundings, {
      engine: this.#engine,
      helpers: this.runtime.helpers,
      objectTypes: this.kernel.types,
      kfuncs: this.#kfuncs,
      cpus: this.cpus,
      capabilities: this.#permissions.current.capabilities,
      owns: (map) => this.#objects.get(map.object.live) === map.object,
      mayCallThrough: (map, program) => {
        return this.#references.claimProgramArray(map.object.live, program, this.#engine.name === "jit");
      },
    });
    const parts = {
      ...prepared,
      ...{ id: ++this.#lastProgramId, spec },
      maps: maps.map(({ object }) => object),
      types: surroundings.btf === undefined ? undefined : this.#types.of(surroundings.btf),
      loadTime: BigInt(this.environment.clock.boottime()),
      uid: this.#permissions.current.uid,
    };
    const object = new ProgramObject(parts, this.#statistics, () => this.#programs.delete(parts.id));
    this.#programs.set(parts.id, object);
    return new MachineProgram(this, object);
  }
}

function surroundings(
  maps: ReadonlyMap<string, BpfMap>,
  btf: Btf | undefined,
  { verify = true, logLevel = 0, targetBtf: kernelTypes }: MachineLoadOptions,
): ProgramSurroundings {
  return { maps, btf, kernelTypes, verify, logLevel };
}
