import type { EventSink, EventSubscription } from "@tsbpf/core/host";
import {
  bpf,
  enablePerfEvent,
  type FileDescriptor,
  mapMemory,
  onlineCpus,
  openPerfEvent,
  PAGE_SIZE,
} from "../sys/index.js";
import { type Pollable, Poller } from "./poller.js";
import { RingPosition } from "./position.js";

const PERF_TYPE_SOFTWARE = 1;
const PERF_COUNT_SW_BPF_OUTPUT = 10n;
const PERF_SAMPLE_RAW = 1 << 10;
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;
const RECORD_HEADER = 8;
/** Pages of each CPU's ring; a power of two. */
const DEFAULT_PAGES = 64;
const BATCH = 256;

/**
 * One CPU's ring of a perf event array. The first page has the positions; records (type u32, misc u16, size u16, then
 * what the type says) follow one another and may be cut by the end of the ring.
 */
class CpuRing implements Pollable {
  readonly event: FileDescriptor;
  readonly cpu: number;
  readonly #sink: EventSink;
  readonly #size: number;
  readonly #head: RingPosition;
  readonly #tail: RingPosition;
  readonly #data: Uint8Array;
  #joined = new Uint8Array(256);
  #stopped = false;

  constructor(cpu: number, pages: number, sink: EventSink) {
    const attr = { type: PERF_TYPE_SOFTWARE, config: PERF_COUNT_SW_BPF_OUTPUT, sampleType: PERF_SAMPLE_RAW };
    this.event = openPerfEvent({ ...attr, samplePeriod: 1, wakeupEvents: 1 }, -1, cpu, `perf buffer of CPU ${cpu}`);
    this.cpu = cpu;
    this.#sink = sink;
    this.#size = pages * PAGE_SIZE;
    try {
      const buffer = mapMemory(this.event.number, 0, PAGE_SIZE + this.#size, true, `perf buffer of CPU ${cpu}`);
      this.#head = new RingPosition(buffer, DATA_HEAD);
      this.#tail = new RingPosition(buffer, DATA_TAIL);
      this.#data = new Uint8Array(buffer, PAGE_SIZE, this.#size);
      enablePerfEvent(this.event);
    } catch (error) {
      this.event.close();
      throw error;
    }
  }

  consume(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    for (;;) {
      if (this.batch() < BATCH || this.#stopped) return false;
      if (performance.now() >= end) return true;
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  go(): void {
    this.#stopped = false;
  }

  /** Records taken. */
  batch(): number {
    const head = this.#head.load();
    const before = this.#tail.load();
    let tail = before;
    let count = 0;
    try {
      while (tail < head && count < BATCH && !this.#stopped) {
        const header = this.#bytes(tail, RECORD_HEADER);
        const size = header[6]! | (header[7]! << 8);
        const type = header[0]! | (header[1]! << 8);
        if (size < RECORD_HEADER) break;
        count++;
        const record = this.#bytes(tail, size);
        tail += size;
        this.#deliver(type, record);
      }
    } finally {
      // Only now may the kernel write over what the sink was given.
      if (tail !== before) this.#tail.store(tail);
    }
    return count;
  }

  #deliver(type: number, record: Uint8Array): void {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    if (type === PERF_RECORD_SAMPLE) {
      const length = view.getUint32(RECORD_HEADER, true);
      this.#sink.event(record.subarray(RECORD_HEADER + 4, RECORD_HEADER + 4 + length), this.cpu);
    } else if (type === PERF_RECORD_LOST) {
      this.#sink.lost(Number(view.getBigUint64(RECORD_HEADER + 8, true)), this.cpu);
    }
  }

  /** Bytes at a position: a view, or a copy where they go round the end. */
  #bytes(position: number, length: number): Uint8Array {
    const at = position % this.#size;
    if (at + length <= this.#size) return this.#data.subarray(at, at + length);
    if (this.#joined.length < length) this.#joined = new Uint8Array(length * 2);
    const first = this.#size - at;
    this.#joined.set(this.#data.subarray(at));
    this.#joined.set(this.#data.subarray(0, length - first), first);
    return this.#joined.subarray(0, length);
  }
}

/**
 * Subscribes to a perf event array: opens a ring for each CPU that is online and has a slot, and puts it into the map.
 * What programs on other CPUs send is refused (ENOENT) to them.
 *
 * @param options.leave empties a CPU's slot in the map, when the subscription ends.
 */
export function subscribePerfBuffer(
  mapFd: number,
  slots: number,
  sink: EventSink,
  options: { readonly pages?: number; readonly leave?: (cpu: number) => void } = {},
): EventSubscription {
  const rings: CpuRing[] = [];
  const key = new Uint8Array(4);
  try {
    for (const cpu of onlineCpus().filter((cpu) => cpu < slots)) {
      const ring = new CpuRing(cpu, options.pages ?? DEFAULT_PAGES, sink);
      rings.push(ring);
      new DataView(key.buffer).setUint32(0, cpu, true);
      bpf(
        "BPF_MAP_UPDATE_ELEM",
        { map_fd: mapFd, key, value: Uint32Array.of(ring.event.number) },
        `of CPU ${cpu}'s slot`,
      );
    }
  } catch (error) {
    for (const ring of rings) ring.event.close();
    throw error;
  }
  return new PerfBuffer(rings, options.leave ?? (() => {}));
}

class PerfBuffer implements EventSubscription {
  readonly #rings: readonly CpuRing[];
  readonly #pollers: readonly Poller[];
  readonly #leave: (cpu: number) => void;
  #closed = false;

  constructor(rings: readonly CpuRing[], leave: (cpu: number) => void) {
    this.#rings = rings;
    this.#leave = leave;
    this.#pollers = rings.map((ring) => new Poller(ring.event.number, ring));
    this.resume();
  }

  poll(): number {
    let total = 0;
    for (const ring of this.#closed ? [] : this.#rings) {
      for (let count = BATCH; count === BATCH; total += count) count = ring.batch();
    }
    return total;
  }

  pause(): void {
    for (const poller of this.#pollers) poller.stop();
    for (const ring of this.#rings) ring.stop();
  }

  resume(): void {
    if (this.#closed) return;
    for (const ring of this.#rings) ring.go();
    for (const poller of this.#pollers) poller.start();
  }

  close(): void {
    if (this.#closed) return;
    this.pause();
    this.#closed = true;
    // The map holds the event until its own fd goes: left there, programs would go on sending to nobody.
    for (const ring of this.#rings) {
      this.#leave(ring.cpu);
      ring.event.close();
    }
  }
}
