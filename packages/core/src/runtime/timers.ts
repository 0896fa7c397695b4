import { ArrayMap, type LiveMap, type MapCore } from "../maps/index.js";
import type { Clock, ManualClock } from "./clock.js";
import { RUN_EXIT } from "./run-result.js";
import type { Runtime } from "./runtime.js";

/** Words of a `struct bpf_timer` in a map's value: the number under which {@link Timers} knows it. */
const NUMBER = 0;

/** A timer of a program: where it lies, and what it calls when. */
export interface Timer {
  /** Address of the `struct bpf_timer`. */
  readonly address: number;
  readonly number: number;
  readonly map: LiveMap;
  /** A bpf_timer, or a bpf_wq, whose callback runs as soon as it can. */
  readonly kind: "timer" | "workqueue";
  /** Of clock 0 (realtime), 1 (monotonic) or 7 (since boot). */
  readonly clock: number;
  /** Address of a function record; 0 before bpf_timer_set_callback() and after bpf_timer_cancel(). */
  callback: number;
  /** Nanoseconds of the machine's monotonic clock; undefined while it isn't running. */
  expires: number | undefined;
  /** Gives up the program that the callback belongs to. */
  release: () => void;
}

/** What timers need to know of the objects that they hang on. */
export interface TimerHolds {
  /** Keeps the program of a callback from going, until the returned function is called. */
  holdProgram(callback: number): () => void;
  /** Does user space hold the map? Only then may it have timers. */
  isHeld(map: LiveMap): boolean;
}

/** Timers in maps (bpf_timer). They fire when the machine's clock is moved, or when {@link runDue} is called. */
export class Timers {
  /** What a callback's failure is told to; it does not stop the others. */
  onFault: (timer: Timer) => void = () => {};
  holds: TimerHolds = { holdProgram: () => () => {}, isHeld: () => true };
  /** The timer whose callback runs. */
  running: Timer | undefined;
  readonly #runtime: Runtime;
  readonly #maps: MapCore;
  readonly #timers = new Map<number, Timer>();
  /** Where a callback finds its array index. */
  #key = 0;
  #lastNumber = 0;

  constructor(runtime: Runtime, maps: MapCore) {
    this.#runtime = runtime;
    this.#maps = maps;
  }

  /** The timer at an address, where it was initialised and its element is still there. */
  at(address: number): Timer | undefined {
    const timer = this.#timers.get(this.#runtime.memory.u32[(address >>> 2) + NUMBER]!);
    return timer !== undefined && timer.address === address && this.#isLive(timer) ? timer : undefined;
  }

  init(address: number, map: LiveMap, clock: number, kind: Timer["kind"] = "timer"): Timer {
    const number = ++this.#lastNumber;
    const timer: Timer = { address, number, map, kind, clock, callback: 0, expires: undefined, release: () => {} };
    this.#timers.set(number, timer);
    this.#runtime.memory.u32[(address >>> 2) + NUMBER] = number;
    return timer;
  }

  setCallback(timer: Timer, callback: number): void {
    const release = this.holds.holdProgram(callback);
    timer.release();
    timer.release = release;
    timer.callback = callback;
  }

  /** Stops a timer and forgets its callback; true if it was running. */
  cancel(timer: Timer): boolean {
    const wasRunning = timer.expires !== undefined;
    timer.expires = undefined;
    timer.callback = 0;
    timer.release();
    timer.release = () => {};
    return wasRunning;
  }

  /** Cancels and forgets every timer of a map. */
  dropMap(map: LiveMap): void {
    for (const timer of this.#timers.values()) if (timer.map === map) this.#drop(timer);
  }

  /** Nanoseconds of the clock at which the next timer is due; undefined when none is running. */
  get nextDue(): number | undefined {
    return this.#next()?.expires;
  }

  /** Calls back every timer that is due by now, in their order. Returns how many there were. */
  runDue(clock: Clock): number {
    let count = 0;
    for (let timer = this.#next(); timer !== undefined && timer.expires! <= clock.monotonic(); timer = this.#next()) {
      timer.expires = undefined;
      count++;
      this.#fire(timer);
    }
    return count;
  }

  /** Moves a clock on, past every timer that becomes due on the way. Returns how many there were. */
  advance(clock: ManualClock, nanoseconds: number): number {
    const end = clock.monotonic() + nanoseconds;
    let count = 0;
    for (let due = this.nextDue; due !== undefined && due <= end; due = this.nextDue) {
      if (due > clock.monotonic()) clock.set(due);
      count += this.runDue(clock);
    }
    clock.set(end);
    return count;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (timer.expires === undefined) continue;
      if (!this.#isLive(timer)) this.#drop(timer);
      else if (next === undefined || timer.expires < next.expires!) next = timer;
    }
    return next;
  }

  #fire(timer: Timer): void {
    const { callback, map } = timer;
    if (callback === 0) return;
    const value = timer.address - this.#timerOffset(timer);
    const outer = this.running;
    this.running = timer;
    this.#maps.enterRun();
    const status = this.#runtime.executeFunction(callback, map.address, this.#keyOf(map, value), value);
    this.#maps.leaveRun();
    this.running = outer;
    if (status !== RUN_EXIT) this.onFault(timer);
  }

  #keyOf(map: LiveMap, value: number): number {
    // In hashes the key lies in front of its value.
    if (!(map instanceof ArrayMap)) return value - Math.ceil(map.keySize / 8) * 8;
    this.#key ||= this.#createKey();
    this.#runtime.memory.u32[this.#key >>> 2] = (value - map.storage) / map.stride;
    return this.#key;
  }

  #createKey(): number {
    const start = this.#runtime.memory.alloc(8);
    const region = { name: "key of a timer", start, length: 8, stride: 8, offset: 0, size: 4, writable: false };
    this.#runtime.regions.add(region);
    return start;
  }

  #timerOffset({ map, kind }: Timer): number {
    return map.fields.find((field) => field.kind === kind)?.offset ?? 0;
  }

  #isLive(timer: Timer): boolean {
    if (timer.map.closed || this.#runtime.memory.u32[(timer.address >>> 2) + NUMBER] !== timer.number) return false;
    return timer.map.holdsValue(timer.address - this.#timerOffset(timer));
  }

  #drop(timer: Timer): void {
    this.cancel(timer);
    this.#timers.delete(timer.number);
  }
}
