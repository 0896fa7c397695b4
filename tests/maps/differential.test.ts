import { BPF_EXIST, BPF_F_NO_COMMON_LRU, BPF_F_NO_PREALLOC, BPF_NOEXIST } from "@tsbpf/core/abi";
import { createMap, type LiveMap, MapCore } from "@tsbpf/core/maps";
import { LinearMemory } from "@tsbpf/core/wasm";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { possibleCpus } from "../../packages/linux/src/sys/index.js";
import { describeKernel } from "../../packages/linux/src/testing/kernel.js";
import { type Attributes, KernelMap, stayOnCpu0 } from "./kernel-map.js";

// The same random operations on a map of the Machine and on one of the running kernel, from user space and from programs:
// every answer, every value and what is left in the end must be the same.

/** One operation; `key` and `value` are numbers that bytes are made of. */
interface Step {
  readonly kind:
    | "update"
    | "lookup"
    | "delete"
    | "take"
    | "next"
    | "programLookup"
    | "programUpdate"
    | "programDelete"
    | "readBatch"
    | "updateBatch"
    | "deleteBatch"
    | "freeze";
  readonly key: number;
  readonly value: number;
  readonly flags: number;
}

interface Subject {
  readonly title: string;
  readonly attributes: Attributes;
  /** Bytes of a key from a small number, so that keys repeat. */
  readonly key: (seed: number) => Uint8Array;
  /** The order of keys is the map's own matter: walks are compared as sets. */
  readonly unordered?: boolean;
  readonly programs?: boolean;
  readonly steps?: number;
  readonly runs?: number;
  /** Different keys that occur. */
  readonly keys?: number;
}

const u32 = (...values: number[]) => new Uint8Array(new Uint32Array(values).buffer);
const filled = (size: number) => (seed: number) =>
  Uint8Array.from({ length: size }, (_, at) => (at === size >> 1 ? seed : at));
const wide = (size: number) => (seed: number) => new Uint8Array([...u32(seed), ...new Uint8Array(size)]).slice(0, size);

/** Prefixes that share much: few lengths, few bits. */
function prefixKey(dataSize: number) {
  return (seed: number) => {
    const data = Uint8Array.from({ length: dataSize }, (_, at) => [0, 0x80, 0xff, 0xc0][(seed >> ((at % 3) * 2)) & 3]!);
    return new Uint8Array([...u32(((seed * 7) % (dataSize * 8 + 2)) >>> 0), ...data]);
  };
}

const keySizes = [1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 16, 17, 24, 40];
const subjects: Subject[] = [
  ...keySizes.map(
    (size) =>
      ({
        title: `hash, keys of ${size}`,
        attributes: {
          type: "hash",
          keySize: size,
          valueSize: 5,
          maxEntries: 6,
          flags: size & 1 ? BPF_F_NO_PREALLOC : 0,
        },
        key: filled(size),
        unordered: true,
        programs: true,
        runs: 12,
      }) as const,
  ),
  {
    title: "per-CPU hash",
    attributes: { type: "percpu_hash", keySize: 4, valueSize: 5, maxEntries: 6 },
    key: filled(4),
    unordered: true,
    programs: true,
  },
  {
    title: "per-CPU hash that grows",
    attributes: { type: "percpu_hash", keySize: 4, valueSize: 8, maxEntries: 6, flags: BPF_F_NO_PREALLOC },
    key: filled(4),
    unordered: true,
    programs: true,
  },
  { title: "array", attributes: { type: "array", keySize: 4, valueSize: 5, maxEntries: 7 }, key: u32, programs: true },
  {
    title: "per-CPU array",
    attributes: { type: "percpu_array", keySize: 4, valueSize: 12, maxEntries: 7 },
    key: u32,
    programs: true,
  },
  ...[1, 3, 4, 5, 8, 12, 16, 20].map(
    (dataSize) =>
      ({
        title: `LPM trie, ${dataSize} bytes of data`,
        attributes: { type: "lpm_trie", keySize: dataSize + 4, valueSize: 4, maxEntries: 12, flags: BPF_F_NO_PREALLOC },
        key: prefixKey(dataSize),
        programs: true,
        keys: 200,
      }) as const,
  ),
  {
    title: "queue",
    attributes: { type: "queue", keySize: 0, valueSize: 5, maxEntries: 3 },
    key: () => new Uint8Array(0),
  },
  {
    title: "stack",
    attributes: { type: "stack", keySize: 0, valueSize: 5, maxEntries: 3 },
    key: () => new Uint8Array(0),
  },
  {
    title: "ring buffer",
    attributes: { type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 },
    key: () => new Uint8Array(0),
  },
];

const lruSizes = [1, 2, 3, 4, 5, 7, 10, 33, 100, 256, 300, 515, 1000];
const lruSubjects: Subject[] = lruSizes.flatMap((maxEntries) =>
  [0, BPF_F_NO_COMMON_LRU].flatMap((flags) =>
    (["lru_hash", "lru_percpu_hash"] as const).map((type) => ({
      title: `${type} of ${maxEntries}${flags === 0 ? "" : ", each CPU its own"}`,
      attributes: { type, keySize: 4, valueSize: 8, maxEntries, flags },
      key: wide(4),
      unordered: true,
      programs: true,
      keys: maxEntries * 2 + 10,
      runs: 4,
      steps: Math.min(3000, maxEntries * 12 + 60),
    })),
  ),
);

const everyKind: Step["kind"][] = [
  "update",
  "update",
  "update",
  "lookup",
  "delete",
  "take",
  "next",
  "readBatch",
  "updateBatch",
  "deleteBatch",
  "freeze",
];
const programKinds: Step["kind"][] = ["programLookup", "programUpdate", "programUpdate", "programDelete"];
const lruKinds: Step["kind"][] = [
  "update",
  "update",
  "programUpdate",
  "programLookup",
  "programLookup",
  "lookup",
  "delete",
  "take",
];

function steps(subject: Subject, kinds: readonly Step["kind"][]) {
  const flags = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.constantFrom(BPF_NOEXIST, BPF_EXIST) },
    { weight: 1, arbitrary: fc.constantFrom(3, 4, 5, 8) },
  );
  return fc.array(
    fc.record({ kind: fc.constantFrom(...kinds), key: fc.nat((subject.keys ?? 10) - 1), value: fc.nat(255), flags }),
    { maxLength: subject.steps ?? 120, size: "max" },
  );
}

class Pair {
  readonly #machine: LiveMap;
  readonly #kernel: KernelMap;
  readonly #subject: Subject;
  readonly #transfer: number;
  readonly #scratch: number;

  constructor(core: MapCore, subject: Subject) {
    this.#subject = subject;
    this.#machine = createMap(core, subject.attributes);
    this.#kernel = new KernelMap(subject.attributes);
    this.#transfer = this.#machine.transferSize;
    this.#scratch = core.memory.alloc(256);
  }

  close(): void {
    this.#machine.memory.free(this.#scratch);
    this.#machine.close();
    this.#kernel.close();
  }

  do(step: Step): void {
    const { keySize } = this.#subject.attributes;
    const key = keySize === 0 ? undefined : this.#subject.key(step.key);
    const value = new Uint8Array(this.#transfer).fill(step.value);
    switch (step.kind) {
      case "update":
        this.#same(step, (map) => map.update(key, value, step.flags));
        break;
      case "lookup":
        this.#sameBytes(step, (map, out) => map.lookup(key, out, step.flags));
        break;
      case "take":
        this.#sameBytes(step, (map, out) => map.lookupAndDelete(key, out, step.flags & 4));
        break;
      case "delete":
        this.#same(step, (map) => map.delete(key));
        break;
      case "next":
        this.#next(step, key);
        break;
      case "freeze":
        if (step.value === 0) this.#same(step, (map) => map.freeze());
        break;
      case "updateBatch":
        this.#updateBatch(step);
        break;
      case "deleteBatch":
        this.#deleteBatch(step);
        break;
      case "readBatch":
        this.#readBatch(step);
        break;
      default:
        this.#program(step, key!);
    }
  }

  /** What is left: all keys with their values. */
  compareContents(): void {
    expect(this.#contents(this.#machine)).toEqual(this.#contents(this.#kernel));
  }

  #contents(map: LiveMap | KernelMap): string[] {
    const { keySize } = this.#subject.attributes;
    if (keySize === 0) return [];
    const entries: string[] = [];
    const next = new Uint8Array(keySize);
    const value = new Uint8Array(this.#transfer);
    for (let key: Uint8Array | undefined; map.nextKey(key, next) === 0 && entries.length < 10_000; ) {
      key = next.slice();
      map.lookup(key, value);
      entries.push(`${hex(key)}=${hex(value)}`);
    }
    return this.#subject.unordered ? entries.sort() : entries;
  }

  #same(step: Step, call: (map: LiveMap | KernelMap) => number): void {
    const kernel = call(this.#kernel);
    const machine = call(this.#machine);
    if (machine !== kernel) expect({ step, answer: machine }).toEqual({ step, answer: kernel });
  }

  #sameBytes(step: Step, call: (map: LiveMap | KernelMap, out: Uint8Array) => number): void {
    const [kernel, machine] = [this.#kernel, this.#machine].map((map) => {
      const out = new Uint8Array(this.#transfer);
      const answer = call(map, out);
      return `${answer} ${answer === 0 ? hex(out) : ""}`;
    });
    if (machine !== kernel) expect({ step, answer: machine }).toEqual({ step, answer: kernel });
  }

  #next(step: Step, key: Uint8Array | undefined): void {
    if (this.#subject.unordered && key !== undefined) return;
    const [kernel, machine] = [this.#kernel, this.#machine].map((map) => {
      const next = new Uint8Array(this.#subject.attributes.keySize);
      const answer = map.nextKey(step.value & 1 ? key : undefined, next);
      return answer === 0 && !this.#subject.unordered ? hex(next) : String(answer);
    });
    if (machine !== kernel) expect({ step, answer: machine }).toEqual({ step, answer: kernel });
  }

  #batchKeys(step: Step): { keys: Uint8Array; count: number } {
    const count = step.value % 5;
    const keys = Array.from({ length: count }, (_, at) =>
      this.#subject.key((step.key + at * 3) % (this.#subject.keys ?? 10)),
    );
    return { keys: new Uint8Array(keys.flatMap((key) => [...key])), count };
  }

  #updateBatch(step: Step): void {
    const { keys, count } = this.#batchKeys(step);
    const values = new Uint8Array(count * this.#transfer).fill(step.value);
    const results = [this.#kernel, this.#machine].map((map) => map.updateBatch(keys, values, count, step.flags));
    expect({ step, result: results[1] }).toEqual({ step, result: results[0] });
  }

  #deleteBatch(step: Step): void {
    const { keys, count } = this.#batchKeys(step);
    const results = [this.#kernel, this.#machine].map((map) => map.deleteBatch(keys, count));
    expect({ step, result: results[1] }).toEqual({ step, result: results[0] });
  }

  /** Everything, in batches; the kernel's -ENOSPC of full buckets can't be had here, so batches of hashes are large. */
  #readBatch(step: Step): void {
    const size = this.#subject.unordered ? 64 : 1 + (step.value % 5);
    const [kernel, machine] = [this.#kernel, this.#machine].map((map) => {
      const { keySize } = this.#subject.attributes;
      const log: string[] = [];
      let start: Uint8Array | undefined;
      for (let round = 0; round < 30; round++) {
        const next = new Uint8Array(Math.max(4, keySize));
        const keys = new Uint8Array(size * keySize);
        const values = new Uint8Array(size * this.#transfer);
        const { error, count } = map.lookupBatch(start, next, keys, values, size);
        const done = error === 0 || error === -2 ? count : 0;
        for (let at = 0; at < done; at++) {
          const value = values.subarray(at * this.#transfer, (at + 1) * this.#transfer);
          log.push(`${hex(keys.subarray(at * keySize, (at + 1) * keySize))}=${hex(value)}`);
        }
        if (this.#subject.unordered) log.sort();
        log.push(`${error} ${count}`);
        if (error !== 0) break;
        start = next;
      }
      return log;
    });
    expect({ step, machine }).toEqual({ step, machine: kernel });
  }

  #program(step: Step, key: Uint8Array): void {
    const { functions, memory } = this.#machine.core;
    const { valueSize } = this.#subject.attributes;
    const value = new Uint8Array(valueSize).fill(step.value);
    memory.u8.set(key, this.#scratch);
    memory.u8.set(value, this.#scratch + 64);
    const map = this.#machine.address;
    let kernel: string;
    let machine: string;
    if (step.kind === "programUpdate") {
      kernel = String(this.#kernel.programUpdate(key, value, step.flags));
      machine = String(functions.update(map, this.#scratch, this.#scratch + 64, step.flags));
    } else if (step.kind === "programDelete") {
      kernel = String(this.#kernel.programDelete(key));
      machine = String(functions.delete(map, this.#scratch));
    } else {
      const read = this.#kernel.programLookup(key);
      kernel = read === undefined ? "none" : hex(read);
      const address = functions.lookup(map, this.#scratch) >>> 0;
      machine = address === 0 ? "none" : hex(memory.copy(address, valueSize));
    }
    if (machine !== kernel) expect({ step, answer: machine }).toEqual({ step, answer: kernel });
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function compare(core: MapCore, subject: Subject, todo: readonly Step[]): void {
  const pair = new Pair(core, subject);
  try {
    for (const step of todo) pair.do(step);
    pair.compareContents();
  } finally {
    pair.close();
  }
}

describeKernel("maps behave as the running kernel's", () => {
  let core: MapCore;
  beforeAll(() => {
    stayOnCpu0();
    core = new MapCore({ memory: new LinearMemory(), cpus: possibleCpus() });
  });

  it.each(subjects.map((subject) => [subject.title, subject] as const))("%s", (_, subject) => {
    const kinds = subject.programs ? [...everyKind, ...programKinds] : everyKind;
    fc.assert(
      fc.property(steps(subject, kinds), (todo) => compare(core, subject, todo)),
      { numRuns: subject.runs ?? 40 },
    );
  });

  it.each(lruSubjects.map((subject) => [subject.title, subject] as const))("%s evicts the same keys", (_, subject) => {
    fc.assert(
      fc.property(steps(subject, lruKinds), (todo) => compare(core, subject, todo)),
      { numRuns: subject.runs ?? 4 },
    );
  });
});
