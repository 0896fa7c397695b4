import type { MapCore } from "../maps/index.js";
import { type Clock, ManualClock } from "./clock.js";
import { NetworkTables } from "./network-tables.js";
import { Random } from "./random.js";
import { RedirectTarget } from "./redirect-target.js";
import type { Runtime } from "./runtime.js";
import { Timers } from "./timers.js";

/** The task that programs run in the context of (`bpf_get_current_*`). */
export interface Task {
  /** Thread id (the kernel's pid). */
  pid: number;
  /** Process id (the kernel's tgid). */
  tgid: number;
  uid: number;
  gid: number;
  /** At most 15 bytes. */
  comm: string;
  cgroupId: bigint;
}

/** Choices for an {@link Environment}. */
export interface EnvironmentOptions {
  readonly clock?: Clock | undefined;
  readonly seed?: number | undefined;
  readonly task?: Partial<Task> | undefined;
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
  /** Receives the packets that bpf_clone_redirect() sends; `index` is the device's, `flags` may be BPF_F_INGRESS. */
  clone: (packet: Uint8Array, index: number, flags: number) => void = () => {};
  /** Timers in maps. */
  readonly timers: Timers;
  /** Routes, neighbours, sockets and devices that lookups answer from: those of the network namespace of the run. */
  network = new NetworkTables();
  /** Where the run in progress wants its packet to go. */
  readonly redirect = new RedirectTarget();

  constructor(runtime: Runtime, maps: MapCore, options: EnvironmentOptions = {}) {
    this.runtime = runtime;
    this.maps = maps;
    this.timers = new Timers(runtime, maps);
    this.clock = options.clock ?? new ManualClock();
    this.random = new Random(options.seed);
    this.task = { pid: 1, tgid: 1, uid: 0, gid: 0, comm: "tsbpf", cgroupId: 1n, ...options.task };
  }
}
