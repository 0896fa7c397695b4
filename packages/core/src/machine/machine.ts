import { EINVAL, ENOTSUPP, helperPrototypes, type ProgramType } from "../abi/index.js";
import type { Btf } from "../btf/index.js";
import {
  BpfMap,
  type Host,
  type LoadedObject,
  mapCodecs,
  type ObjectShape,
  type Program,
  type TestRunOptions,
  type TestRunResult,
} from "../host/index.js";
import type { Jit } from "../jit/index.js";
import { LocalStorageMap, MapCore } from "../maps/index.js";
import {
  createArgumentGuard,
  type DeviceAccess,
  Environment,
  functionRecord,
  installHelpers,
  installKfuncs,
  type KernelMemory,
  ManualClock,
  type ObjectLayout,
  packetLoader,
  Random,
  Runtime,
} from "../runtime/index.js";
import type { MapSpec, ObjectSpec, ProgramSpec } from "../spec/index.js";
import { LinearMemory } from "../wasm/index.js";
import { BpfFilesystem } from "./bpf-filesystem.js";
import { CgroupHooks, CgroupTree } from "./cgroup/index.js";
import { type Credentials, Permissions, ROOT } from "./credentials.js";
import { Descriptors } from "./descriptors.js";
import { EngineChoice } from "./engine-choice.js";
import { EventHub } from "./event-hub.js";
import { failure } from "./failure.js";
import { LoadedObjects } from "./loaded-objects.js";
import { type HookFamilies, MachineHooks } from "./machine-hooks.js";
import { MachineLink } from "./machine-link.js";
import { MachineLoader } from "./machine-loader.js";
import { MachineMap } from "./machine-map.js";
import type { MachineOptions } from "./machine-options.js";
import { MachineProgram } from "./machine-program.js";
import { MachineReferences } from "./map-references.js";
import {
  askForSysctl,
  type BridgeDevice,
  type BridgeOptions,
  type CaptureDeviceOptions,
  type Device,
  type DeviceOptions,
  MachineDeviceHooks,
  MachineSocketHooks,
  type Namespace,
  Network,
  ProgramRun,
  RedirectEntries,
  type VethDevice,
  type VethEnd,
  type VlanDevice,
  XdpSocket,
} from "./network/index.js";
import type { MachineLoadOptions } from "./object-loader.js";
import { nicLimits, SimulatedNic } from "./offload/index.js";
import { type BatchedPacket, PacketBatch } from "./packet-batch.js";
import { createPacketHook } from "./packet-hook.js";
import { PacketRunner } from "./packet-runner.js";
import { type PinnedObject, pinnedObject } from "./pinned-object.js";
import { PinRestorer, PinSaver, type SnapshotHost } from "./snapshot.js";
import { Statistics } from "./statistics.js";
import { Sysctls } from "./sysctls.js";
import { COMMAND, type TestRunner } from "./test-run.js";
import { testRunners } from "./test-runners.js";
import { KernelEvents, MachineTracingHooks, StructOps } from "./tracing/index.js";

/** A BPF subsystem in memory: needs no kernel and no rights, and does the same each time. */
export class Machine extends MachineHooks implements Host {
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
  /** @internal */
  protected readonly hooks: HookFamilies;
  readonly #maps: MapCore;
  readonly #loader: MachineLoader;
  readonly #loaded = new LoadedObjects();
  readonly #engine: EngineChoice;
  readonly #runners = new Map<ProgramType, TestRunner>();
  readonly #statistics = new Statistics();
  readonly #cards: SimulatedNic[] = [];

  constructor(options: MachineOptions = {}) {
    super();
    const memory = new LinearMemory(options.memory === undefined ? {} : { maximum: options.memory });
    this.runtime = new Runtime({ memory, cpus: options.cpus ?? 1, ...(options.budget && { budget: options.budget }) });
    const { cpus, cpuGlobal: cpu, regions } = this.runtime;
    const seeds = new Random((options.seed ?? 1) ^ 0x5eed);
    this.#maps = new MapCore({ memory, cpus, cpu, regions, seed: () => seeds.next() >>> 0 });
    this.environment = new Environment(this.runtime, this.#maps, options);
    if (options.trace !== undefined) this.environment.trace = options.trace;
    const entries = new RedirectEntries();
    const references = new MachineReferences(
      this.descriptors,
      () => this.network.current.tables,
      entries,
      this.#loaded.maps,
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
    const tracing = new MachineTracingHooks(this.environment, this.#loaded);
    this.fire = new KernelEvents(this.environment, this.#maps, this.events, tracing.table);
    this.hooks = {
      device: new MachineDeviceHooks(this.network, this.#loaded),
      socket: new MachineSocketHooks(this.network, this.#loaded, this.descriptors),
      cgroup: new CgroupHooks(this.cgroups, this.#loaded),
      tracing,
      structOps: new StructOps(this.environment, this.fire, this.#loaded),
    };
    this.network.releaseStorage = (socket) => {
      for (const live of this.#loaded.maps.keys())
        if (live instanceof LocalStorageMap && live.type === "sk_storage") live.drop(socket);
    };
    this.environment.timers.holds = {
      isHeld: (map) => this.#loaded.maps.get(map)?.isHeld ?? false,
      holdProgram: (callback) => this.#holdProgram(callback),
    };
    this.environment.objects.layoutOf = (typeId) => this.#layoutOf(typeId);
    installHelpers(this.environment);
    const kfuncs = installKfuncs(this.environment);
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
    this.#loader = new MachineLoader({
      ...{ owner: this, environment: this.environment, maps: this.#maps, references, loaded: this.#loaded },
      ...{ permissions: this.#permissions, engine: this.#engine, kfuncs, statistics: this.#statistics },
    });
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
    return (await this.#loader.load(spec, options)) as unknown as LoadedObject<Shape>;
  }

  async loadProgram(spec: ProgramSpec, options: Omit<MachineLoadOptions, "programs"> = {}): Promise<MachineProgram> {
    return this.#loader.loadProgram(spec, new Map(Object.entries(options.maps ?? {})), undefined, options);
  }

  createMap(spec: MapSpec): BpfMap {
    return new BpfMap(this.#loader.createMap(spec, undefined), mapCodecs(spec, undefined)) as BpfMap;
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
    return this.#openPinned(path, "prog") as MachineProgram;
  }

  /** As {@link openProgram}. */
  openMap(path: string): BpfMap {
    return this.#openPinned(path, "map") as BpfMap;
  }

  /** As {@link openProgram}. */
  openLink(path: string): MachineLink {
    return this.#openPinned(path, "link") as MachineLink;
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
    return this.#loaded.programIds;
  }

  /** Ids of all maps, ascending. */
  get mapIds(): number[] {
    return this.#loaded.mapIds;
  }

  /** Ids of all links, ascending. */
  get linkIds(): number[] {
    return this.#loaded.linkIds;
  }

  /** Ids of the BTF objects, ascending. */
  get btfIds(): number[] {
    return this.#loaded.types.ids;
  }

  /** A new handle to the program with this id. @throws SyscallError ENOENT */
  programById(id: number): MachineProgram {
    this.#permissions.require("BPF_PROG_GET_FD_BY_ID", "sys_admin");
    return new MachineProgram(this, this.#loaded.program(id));
  }

  /** A new handle to the map with this id, its keys and values by its types. @throws SyscallError ENOENT */
  mapById(id: number): BpfMap {
    this.#permissions.require("BPF_MAP_GET_FD_BY_ID", "sys_admin");
    const object = this.#loaded.map(id);
    return new BpfMap(new MachineMap(this, object), mapCodecs(object.spec, object.types?.btf)) as BpfMap;
  }

  /** The types with this id, that programs and maps were loaded with. @throws SyscallError ENOENT */
  btfById(id: number): Btf {
    this.#permissions.require("BPF_BTF_GET_FD_BY_ID", "sys_admin");
    return this.#loaded.btf(id);
  }

  /** A new handle to the link with this id. @throws SyscallError ENOENT */
  linkById(id: number): MachineLink {
    this.#permissions.require("BPF_LINK_GET_FD_BY_ID", "sys_admin");
    return new MachineLink(this.#loaded.link(id));
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
    this.#loaded.disposeLinks();
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
    return this.#loaded.owns(program);
  }

  #openPinned(path: string, kind: PinnedObject["kind"]): object {
    const pinned = this.bpffs.get(path);
    if (pinned.kind !== kind) throw failure("BPF_OBJ_GET", EINVAL, `a ${pinned.kind} is pinned at ${path}`);
    return pinned.open();
  }

  /** A type of the program that runs, for bpf_obj_new(). */
  #layoutOf(typeId: number): ObjectLayout | undefined {
    return this.#loaded.programOfRecord(this.runtime.runningImage?.record)?.layoutOf(typeId);
  }

  /** A timer's callback keeps its program. */
  #holdProgram(callback: number): () => void {
    const record = this.runtime.memory.u32[(callback + functionRecord.program) >>> 2]!;
    const program = this.#loaded.programOfRecord(record);
    program?.reference();
    return () => program?.unreference();
  }

  #snapshotHost(): SnapshotHost {
    return {
      bpffs: this.bpffs,
      mapById: (id) => this.mapById(id),
      programById: (id) => this.programById(id),
      createMap: (spec, btf) => new BpfMap(this.#loader.createMap(spec, btf), mapCodecs(spec, btf)) as BpfMap,
      loadProgram: (spec, maps, btf) => this.#loader.loadProgram(spec, maps, btf),
      pin: (path, handle) => this.pin(path, handle),
    };
  }
}
