import type { Btf } from "../btf/index.js";
import type { MapCore } from "../maps/index.js";
import { AllocatedObjects } from "./allocated-objects.js";
import { type Clock, ManualClock } from "./clock.js";
import type { ControlGroup } from "./control-group.js";
import { KernelMemory } from "./kernel-object.js";
import { KernelSymbols } from "./kernel-symbols.js";
import { NetworkTables } from "./network-tables.js";
import { Random } from "./random.js";
import { RedirectTarget } from "./redirect-target.js";
import type { Runtime } from "./runtime.js";
import type { SeqFile } from "./seq-file.js";
import { SocketViews } from "./socket-views.js";
import type { Task } from "./task.js";
import { TaskObjects } from "./task-objects.js";
import { Timers } from "./timers.js";

/** Choices for an {@link Environment}. */
export interface EnvironmentOptions {
  readonly clock?: Clock | undefined;
  readonly seed?: number | undefined;
  readonly task?: Partial<Task> | undefined;
  readonly kernelTypes?: Btf | undefined;
}

/** A signal that a program sent to the current task, or to one of its threads. */
export interface SentSignal {
  readonly signal: number;
  /** To the thread alone (bpf_send_signal_thread()), or to its process. */
  readonly thread: boolean;
  readonly pid: number;
}

/** What a program that runs for a control group finds of its attachment. */
export interface CgroupRun {
  /** The error that the call will get, as of now: 0 or a negative errno. */
  retval: number;
  /** The group that the program is attached to, and for what: the key of its storage. */
  readonly storageKey: { readonly cgroup: bigint; readonly attachType: number };
}

/** The world that programs' helpers see. All of it is the caller's to set. */
export class Environment {
  readonly runtime: Runtime;
  readonly maps: MapCore;
  clock: Clock;
  random: Random;
  readonly task: Task;
  /** Receives what bpf_trace_printk and bpf_trace_vprintk write, without the trace line's frame. */
  trace: (text: string) => void = () => {};
  /**
   * Sends a copy of the run's packet out of the device with this index, or in with BPF_F_INGRESS (bpf_clone_redirect): 0, or
   * a negative errno.
   */
  clone: (index: number, flags: number) => number = () => 0;
  /** The flow hash of a frame by the namespace's own dissector; undefined where it has none, or leaves it to the kernel. */
  dissect: (frame: Uint8Array) => number | undefined = () => undefined;
  /** Receives the signals that bpf_send_signal() sends. */
  signal: (signal: SentSignal) => void = () => {};
  /** Objects of the kernel, by its types. */
  readonly kernel: KernelMemory;
  readonly symbols = new KernelSymbols();
  /** Objects of programs' own types. */
  readonly objects: AllocatedObjects;
  /** Tasks as objects that programs can look into. */
  readonly tasks: TaskObjects;
  /** Files that iterators are writing to, by their address. */
  readonly seqFiles = new Map<number, SeqFile>();
  /** What bpf_d_path() says of a `struct path`, by the object's address. */
  readonly paths = new Map<number, string>();
  /** Timers in maps. */
  readonly timers: Timers;
  /** Routes, neighbours, sockets and devices that lookups answer from: those of the network namespace of the run. */
  network = new NetworkTables();
  /** Sockets as programs see them. */
  readonly sockets: SocketViews;
  /** The control group that the current task is in. */
  cgroup: ControlGroup;
  /** Of the run in progress, where it is one for a control group. */
  cgroupRun: CgroupRun | undefined;
  /** The control groups that cgroup arrays hold, by handle. */
  readonly heldCgroups = new Map<number, ControlGroup>();
  /** Where the run in progress wants its packet to go. */
  readonly redirect = new RedirectTarget();

  constructor(runtime: Runtime, maps: MapCore, options: EnvironmentOptions = {}) {
    this.runtime = runtime;
    this.maps = maps;
    this.timers = new Timers(runtime, maps);
    this.objects = new AllocatedObjects(runtime);
    this.kernel = new KernelMemory(runtime, options.kernelTypes);
    this.clock = options.clock ?? new ManualClock();
    this.random = new Random(options.seed);
    this.task = { pid: 1, tgid: 1, uid: 0, gid: 0, comm: "tsbpf", cgroupId: 1n, ...options.task };
    this.tasks = new TaskObjects(this.kernel, this.task);
    this.sockets = new SocketViews(runtime);
    this.cgroup = { id: this.task.cgroupId, parent: undefined };
  }
}
