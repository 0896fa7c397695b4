import type { MapType } from "@tsbpf/core";
import { mapTypeId } from "@tsbpf/core";
import { BpfCall, createMap, libc, loadProgram, NativeBuffer, runProgram } from "../../packages/linux/src/sys/index.js";

type ElementCommand = "BPF_MAP_LOOKUP_ELEM" | "BPF_MAP_UPDATE_ELEM" | "BPF_MAP_LOOKUP_AND_DELETE_ELEM";
type BatchCommand = "BPF_MAP_LOOKUP_BATCH" | "BPF_MAP_UPDATE_BATCH" | "BPF_MAP_DELETE_BATCH";

/** Attributes of a map that both sides create. */
export interface Attributes {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly mapExtra?: bigint;
}

const SCHED_SETAFFINITY = process.arch === "arm64" ? 122 : 203;

/** Keeps the calling thread on CPU 0: LRU lists and per-CPU values depend on where an operation happens. */
export function stayOnCpu0(): void {
  const mask = new NativeBuffer(128);
  mask.bytes[0] = 1;
  if (libc().syscall(SCHED_SETAFFINITY, 0, 128, mask.address, 0, 0) < 0) throw new Error("sched_setaffinity failed");
}

/** A map of the running kernel with the operations of `LiveMap`: the answer is the kernel's, 0 or a negative errno. */
export class KernelMap {
  readonly fd: number;
  readonly #attributes: Attributes;
  readonly #programs: MapPrograms;

  constructor(attributes: Attributes, innerFd?: number) {
    const { type, keySize, valueSize, maxEntries, flags, mapExtra } = attributes;
    this.fd = createMap({
      type: mapTypeId(type),
      keySize,
      valueSize,
      maxEntries,
      flags,
      mapExtra,
      innerMapFd: innerFd,
    });
    this.#attributes = attributes;
    this.#programs = new MapPrograms(this.fd, attributes);
  }

  lookup(key: Uint8Array | undefined, value: Uint8Array, flags = 0): number {
    return this.#call("BPF_MAP_LOOKUP_ELEM", { key, value, flags });
  }

  update(key: Uint8Array | undefined, value: Uint8Array, flags = 0): number {
    return this.#call("BPF_MAP_UPDATE_ELEM", { key, value, flags });
  }

  delete(key: Uint8Array | undefined): number {
    return new BpfCall("BPF_MAP_DELETE_ELEM", { map_fd: this.fd, key }).try();
  }

  lookupAndDelete(key: Uint8Array | undefined, value: Uint8Array, flags = 0): number {
    return this.#call("BPF_MAP_LOOKUP_AND_DELETE_ELEM", { key, value, flags });
  }

  nextKey(key: Uint8Array | undefined, next: Uint8Array): number {
    return new BpfCall("BPF_MAP_GET_NEXT_KEY", { map_fd: this.fd, key, next_key: next }).try();
  }

  lookupBatch(start: Uint8Array | undefined, next: Uint8Array, keys: Uint8Array, values: Uint8Array, count: number) {
    return this.#batch("BPF_MAP_LOOKUP_BATCH", { in_batch: start, out_batch: next, keys, values }, count);
  }

  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flags = 0) {
    return this.#batch("BPF_MAP_UPDATE_BATCH", { keys, values, elem_flags: flags }, count);
  }

  deleteBatch(keys: Uint8Array, count: number) {
    return this.#batch("BPF_MAP_DELETE_BATCH", { keys }, count);
  }

  freeze(): number {
    return new BpfCall("BPF_MAP_FREEZE", { map_fd: this.fd }).try();
  }

  /** bpf_map_lookup_elem() in a program: the value, of the running CPU, or undefined. */
  programLookup(key: Uint8Array): Uint8Array | undefined {
    const { retval, packet } = this.#programs.run("lookup", key, new Uint8Array(this.#attributes.valueSize));
    return retval === 1 ? packet : undefined;
  }

  programUpdate(key: Uint8Array, value: Uint8Array, flags: number): number {
    return this.#programs.run("update", key, value, flags).retval | 0;
  }

  programDelete(key: Uint8Array): number {
    return this.#programs.run("delete", key, new Uint8Array(0)).retval | 0;
  }

  close(): void {
    this.#programs.close();
    libc().close(this.fd);
  }

  #call(command: ElementCommand, attr: { key: Uint8Array | undefined; value: Uint8Array; flags: number }): number {
    return new BpfCall<ElementCommand>(command, { map_fd: this.fd, ...attr }).try();
  }

  #batch(command: BatchCommand, attr: Record<string, Uint8Array | number | undefined>, count: number) {
    const call = new BpfCall<BatchCommand>(command, { map_fd: this.fd, count, ...attr });
    return { error: call.try(), count: call.get("count") };
  }
}

type Operation = "lookup" | "update" | "delete";

const slot = (code: number, dst: number, src: number, offset: number, imm: number): number[] => [
  code,
  dst | (src << 4),
  offset & 0xff,
  (offset >> 8) & 0xff,
  imm & 0xff,
  (imm >> 8) & 0xff,
  (imm >> 16) & 0xff,
  (imm >> 24) & 0xff,
];
const HELPERS = { lookup: 1, update: 2, delete: 3 } as const;
const XDP = 6;
const SMALLEST_FRAME = 64;

/** XDP programs that do one operation with key and value from their packet. */
class MapPrograms {
  readonly #fd: number;
  readonly #keyRoom: number;
  readonly #valueSize: number;
  readonly #loaded = new Map<string, number>();

  constructor(fd: number, { keySize, valueSize }: Attributes) {
    this.#fd = fd;
    this.#keyRoom = (keySize + 7) & ~7;
    this.#valueSize = valueSize;
  }

  run(operation: Operation, key: Uint8Array, value: Uint8Array, flags = 0) {
    const name = `${operation} ${flags}`;
    let program = this.#loaded.get(name);
    if (program === undefined) {
      const result = loadProgram({ type: XDP, insns: this.#code(operation, flags), license: "GPL", logLevel: 1 });
      if (result.result < 0) throw new Error(`${operation} does not load: ${result.log}`);
      program = result.result;
      this.#loaded.set(name, program);
    }
    const packet = new Uint8Array(this.#packetSize);
    packet.set(key);
    packet.set(value, this.#keyRoom);
    const result = runProgram(program, "xdp", { data: packet });
    if (typeof result === "number") throw new Error(`test run failed: ${result}`);
    return {
      retval: result.retval,
      packet: result.data.slice(this.#keyRoom, this.#keyRoom + this.#valueSize),
    };
  }

  close(): void {
    for (const fd of this.#loaded.values()) libc().close(fd);
  }

  get #packetSize(): number {
    return Math.max(SMALLEST_FRAME, this.#keyRoom + this.#valueSize);
  }

  #code(operation: Operation, flags: number): Uint8Array {
    const bytes = [
      ...slot(0x61, 6, 1, 0, 0), // r6 = data
      ...slot(0x61, 3, 1, 4, 0), // r3 = data_end
      ...slot(0xbf, 2, 6, 0, 0),
      ...slot(0x07, 2, 0, 0, this.#packetSize),
      ...slot(0x3d, 3, 2, 2, 0), // if r3 >= r2 skip the exit
      ...slot(0xb7, 0, 0, 0, -1),
      ...slot(0x95, 0, 0, 0, 0),
      ...slot(0x18, 1, 1, 0, this.#fd),
      ...slot(0, 0, 0, 0, 0),
      ...slot(0xbf, 2, 6, 0, 0),
      ...slot(0xbf, 3, 6, 0, 0),
      ...slot(0x07, 3, 0, 0, this.#keyRoom),
      ...slot(0xb7, 4, 0, 0, flags),
      ...slot(0x85, 0, 0, 0, HELPERS[operation]),
    ];
    if (operation === "lookup") {
      bytes.push(...slot(0x55, 0, 0, 1, 0), ...slot(0x95, 0, 0, 0, 0));
      for (let at = 0; at < this.#valueSize; at++) {
        bytes.push(...slot(0x71, 1, 0, at, 0), ...slot(0x73, 6, 1, this.#keyRoom + at, 0));
      }
      bytes.push(...slot(0xb7, 0, 0, 0, 1));
    }
    bytes.push(...slot(0x95, 0, 0, 0, 0));
    return new Uint8Array(bytes);
  }
}
