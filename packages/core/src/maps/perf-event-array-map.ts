import { E2BIG, EBUSY, ENOENT, EOPNOTSUPP } from "../abi/index.js";
import { DescriptorArrayMap } from "./handle-array-map.js";
import type { Reference } from "./references.js";

/** Receives one CPU's events, synchronously; the bytes are valid during the call. */
export type PerfEventSink = (event: Uint8Array, cpu: number) => void;

/** What bpf_perf_event_output() and bpf_perf_event_read() take for "the running CPU's entry". */
const CURRENT_CPU = 0xffff_ffff;
/** Readers' handles begin here, out of the way of references that user space wrote. */
const FIRST_READER = 0x8000_0000;

interface Reader {
  readonly cpu: number;
  readonly sink: PerfEventSink;
}

/**
 * Perf event array. An entry is a CPU's event ring: here a sink that gets what programs output on that CPU, opened with
 * {@link open}, or whatever the machine makes of a file descriptor.
 */
export class PerfEventArrayMap extends DescriptorArrayMap {
  readonly #readers = new Map<number, Reader>();
  #nextReader = FIRST_READER;

  /** Lets a sink take the events of entry `index`, for programs that run on `cpu` (as a rule the same). 0 or an errno. */
  open(index: number, sink: PerfEventSink, cpu: number = index): number {
    if (index >>> 0 >= this.maxEntries) return -E2BIG;
    if (this.handleOf(index) !== 0) return -EBUSY;
    const handle = this.#nextReader++;
    this.#readers.set(handle, { cpu, sink });
    const reference: Reference = { handle, id: 0 };
    this.refer(index, reference, 0, 0);
    return 0;
  }

  /** Ends {@link open}. */
  shut(index: number): void {
    if (this.handleOf(index) !== 0) this.refer(index, undefined, 0, 0);
  }

  /** bpf_perf_event_output() of a program on `cpu`, with the index of its flags. */
  output(index: number, cpu: number, event: Uint8Array): number {
    const entry = index >>> 0 === CURRENT_CPU ? cpu : index >>> 0;
    if (entry >= this.maxEntries) return -E2BIG;
    const handle = this.handleOf(entry);
    if (handle === 0) return -ENOENT;
    const reader = this.#readers.get(handle);
    // An event is bound to its CPU.
    if (reader === undefined || reader.cpu !== cpu) return -EOPNOTSUPP;
    reader.sink(event, cpu);
    return 0;
  }

  protected override giveUp(handle: number): void {
    if (!this.#readers.delete(handle)) super.giveUp(handle);
  }
}
