import { EEXIST, type MapType } from "../abi/index.js";
import { BpfError, FormatError, NotSupportedError } from "../base/index.js";
import { type Btf, encodeBtf, ownTypes, parseBtf } from "../btf/index.js";
import type { BpfMap } from "../host/index.js";
import type { MapSpec, ProgramSpec } from "../spec/index.js";
import type { BpfFilesystem, PinStatus } from "./bpf-filesystem.js";
import { failure } from "./failure.js";
import type { MachineMap } from "./machine-map.js";
import type { MachineProgram } from "./machine-program.js";
import type { PinnedObject } from "./pinned-object.js";
import { pack, unpack } from "./snapshot-format.js";

/** What saving and restoring need of their Machine. */
export interface SnapshotHost {
  readonly bpffs: BpfFilesystem<PinnedObject>;
  mapById(id: number): BpfMap;
  programById(id: number): MachineProgram;
  createMap(spec: MapSpec, btf: Btf | undefined): BpfMap;
  loadProgram(spec: ProgramSpec, maps: ReadonlyMap<string, BpfMap>, btf: Btf | undefined): MachineProgram;
  pin(path: string, handle: MachineProgram | BpfMap): void;
}

interface SavedEntry {
  readonly key: Uint8Array;
  /** Bytes, or the id that the map or program in the slot had. */
  readonly value: Uint8Array | number;
}

interface SavedMap {
  readonly id: number;
  readonly spec: MapSpec;
  readonly btf: number;
  readonly frozen: boolean;
  readonly entries: readonly SavedEntry[];
}

interface SavedProgram {
  readonly id: number;
  readonly spec: ProgramSpec;
  readonly btf: number;
  /** Ids of its maps by the names of its references. */
  readonly maps: Readonly<Record<string, number>>;
}

interface SavedPin extends PinStatus {
  readonly path: string;
  readonly id: number;
}

interface Saved {
  readonly types: readonly Uint8Array[];
  readonly maps: readonly SavedMap[];
  readonly programs: readonly SavedProgram[];
  /** Directories before what is in them. */
  readonly pins: readonly SavedPin[];
}

/** Maps whose slots refer to programs and maps. */
const programSlots: ReadonlySet<MapType> = new Set(["prog_array"]);
const mapSlots: ReadonlySet<MapType> = new Set(["array_of_maps", "hash_of_maps"]);
const pushed: ReadonlySet<MapType> = new Set(["queue", "stack"]);
/** Maps that hold nothing that could outlive a process: records on their way, sockets, and what hangs on sockets and tasks. */
const transient: ReadonlySet<MapType> = new Set([
  ...(["ringbuf", "user_ringbuf", "perf_event_array", "sockmap", "sockhash", "reuseport_sockarray", "xskmap"] as const),
  ...(["sk_storage", "task_storage", "inode_storage", "cgrp_storage", "cgroup_storage"] as const),
  ...(["percpu_cgroup_storage", "cgroup_array"] as const),
]);
const noKey = new Uint8Array(0);

/** Saves what is pinned, with the programs and maps that it needs. */
export class PinSaver {
  readonly #host: SnapshotHost;
  readonly #types: Btf[] = [];
  readonly #maps = new Map<number, SavedMap>();
  readonly #programs = new Map<number, SavedProgram>();

  constructor(host: SnapshotHost) {
    this.#host = host;
  }

  /** @throws NotSupportedError for pinned links, and for maps whose contents cannot be read. */
  save(): Uint8Array {
    const pins = [...this.#pins("")];
    const saved: Saved = {
      types: this.#types.map((btf) => encodeBtf(ownTypes(btf))),
      maps: [...this.#maps.values()],
      programs: [...this.#programs.values()],
      pins,
    };
    return pack(saved);
  }

  *#pins(directory: string): IterableIterator<SavedPin> {
    const { bpffs } = this.#host;
    for (const { name, kind, id } of bpffs.list(directory === "" ? "/" : directory)) {
      const path = `${directory}/${name}`;
      yield { ...bpffs.stat(path), path, id };
      if (kind === "directory") yield* this.#pins(path);
      else if (kind === "map") this.#map(id);
      else if (kind === "prog") this.#program(id);
      else
        throw new NotSupportedError(
          "links",
          `the link at ${path} can't be saved: devices and hooks don't outlive a Machine`,
        );
    }
  }

  #btf(btf: Btf | undefined): number {
    if (btf === undefined) return -1;
    const known = this.#types.indexOf(btf);
    return known >= 0 ? known : this.#types.push(btf) - 1;
  }

  #map(id: number): void {
    if (this.#maps.has(id)) return;
    using map = this.#host.mapById(id);
    const raw = map.raw as MachineMap;
    const { contents: _, ...spec } = raw.spec;
    const { maxEntries, frozen } = raw.object.live;
    const saved = { id, spec: { ...spec, maxEntries, contents: [] }, btf: this.#btf(raw.btf), frozen };
    // Before its entries are: maps and programs refer to each other.
    this.#maps.set(id, { ...saved, entries: [] });
    this.#maps.set(id, { ...saved, entries: this.#entries(raw) });
  }

  #entries(raw: MachineMap): SavedEntry[] {
    const { type } = raw.info;
    if (transient.has(type)) return [];
    if (pushed.has(type)) return queued(raw);
    if (type === "bloom_filter" || type === "arena" || type === "stack_trace" || type === "struct_ops")
      throw new NotSupportedError(type, `the contents of a ${type} map can't be saved`);
    return [...raw.entries()].map(([key, value]) => {
      if (!programSlots.has(type) && !mapSlots.has(type)) return { key, value };
      const id = new DataView(value.buffer, value.byteOffset).getUint32(0, true);
      if (programSlots.has(type)) this.#program(id);
      else this.#map(id);
      return { key, value: id };
    });
  }

  #program(id: number): void {
    if (this.#programs.has(id)) return;
    using program = this.#host.programById(id);
    const { parts } = program.object;
    const maps: Record<string, number> = {};
    parts.mapNames.forEach((name, index) => {
      maps[name] = parts.maps[index]!.id;
    });
    this.#programs.set(id, { id, spec: parts.spec, btf: this.#btf(parts.types?.btf), maps });
    for (const map of parts.maps) this.#map(map.id);
  }
}

/** What waits in a queue or stack, in the order in which pushing it again makes the same. */
function queued(raw: MachineMap): SavedEntry[] {
  const values: Uint8Array[] = [];
  for (let value = raw.lookupAndDelete(noKey); value !== undefined; value = raw.lookupAndDelete(noKey))
    values.push(value);
  if (raw.info.type === "stack") values.reverse();
  for (const value of values) raw.update(noKey, value);
  return values.map((value) => ({ key: noKey, value }));
}

/** Makes what was saved again, with ids of its own. All of it, or nothing. */
export class PinRestorer {
  readonly #host: SnapshotHost;
  readonly #maps = new Map<number, BpfMap>();
  readonly #programs = new Map<number, MachineProgram>();

  constructor(host: SnapshotHost) {
    this.#host = host;
  }

  /**
   * @throws FormatError for what is no such file, SyscallError EEXIST for a path that is taken; and what creating a map or
   * loading a program throws.
   */
  restore(bytes: Uint8Array): void {
    const saved = unpack(bytes) as Saved;
    const made: string[] = [];
    try {
      this.#build(saved);
      for (const pin of saved.pins) {
        if (this.#kindAt(pin.path) === "directory") continue;
        this.#pin(pin);
        made.push(pin.path);
      }
    } catch (error) {
      for (const path of made.reverse()) this.#take(path);
      if (error instanceof BpfError) throw error;
      throw new FormatError("the pins are malformed", {}, error);
    } finally {
      for (const handle of [...this.#programs.values(), ...this.#maps.values()]) handle.close();
    }
  }

  #build({ types, maps, programs, pins }: Saved): void {
    const taken = pins.find(({ path, kind }) => {
      const there = this.#kindAt(path);
      // A directory that is there already takes the others in.
      return there !== undefined && (there !== "directory" || kind !== "directory");
    });
    if (taken !== undefined) throw failure("BPF_OBJ_PIN", EEXIST, `there is something at ${taken.path}`);
    const graphs = types.map((each) => parseBtf(each));
    for (const { id, spec, btf } of maps) this.#maps.set(id, this.#host.createMap(spec, graphs[btf]));
    for (const map of maps) this.#fill(map);
    for (const { id, spec, btf, maps: named } of programs) {
      const given = new Map(Object.entries(named).map(([name, map]) => [name, this.#map(map)]));
      this.#programs.set(id, this.#host.loadProgram(spec, given, graphs[btf]));
    }
    for (const map of maps) this.#fillWithPrograms(map);
  }

  #map(id: number): BpfMap {
    const map = this.#maps.get(id);
    if (map === undefined) throw new FormatError(`map ${id} is not among those that were saved`);
    return map;
  }

  #fill({ id, spec, entries, frozen }: SavedMap): void {
    if (programSlots.has(spec.type)) return;
    const { raw } = this.#map(id);
    for (const { key, value } of entries) {
      if (typeof value === "number") raw.updateReference(key, this.#map(value));
      else raw.update(key, value);
    }
    if (frozen) raw.freeze();
  }

  #fillWithPrograms({ id, spec, entries, frozen }: SavedMap): void {
    if (!programSlots.has(spec.type)) return;
    const { raw } = this.#map(id);
    for (const { key, value } of entries) {
      const program = typeof value === "number" ? this.#programs.get(value) : undefined;
      if (program === undefined) throw new FormatError(`a slot of map ${id} has no program`);
      raw.updateReference(key, program);
    }
    if (frozen) raw.freeze();
  }

  #pin({ path, kind, id, uid, gid, mode }: SavedPin): void {
    const { bpffs } = this.#host;
    const handle = kind === "map" ? this.#map(id) : this.#programs.get(id);
    if (kind === "directory") bpffs.mkdir(path);
    else if (handle === undefined) throw new FormatError(`there is no ${kind} ${id} for ${path}`);
    else this.#host.pin(path, handle);
    bpffs.chmod(path, mode);
    bpffs.chown(path, uid, gid);
  }

  #kindAt(path: string): PinStatus["kind"] | undefined {
    try {
      return this.#host.bpffs.stat(path).kind;
    } catch {
      return undefined;
    }
  }

  #take(path: string): void {
    const { bpffs } = this.#host;
    if (bpffs.stat(path).kind === "directory") bpffs.rmdir(path);
    else bpffs.unlink(path);
  }
}
