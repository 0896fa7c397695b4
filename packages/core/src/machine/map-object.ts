import { EINVAL } from "../abi/index.js";
import { ArrayMap, type LiveMap } from "../maps/index.js";
import type { Environment } from "../runtime/index.js";
import type { MapSpec } from "../spec/index.js";
import type { BtfObject } from "./btf-objects.js";
import { failure } from "./failure.js";
import type { MachineProgram } from "./machine-program.js";

/** Fields of values that hold other objects. */
const holders: ReadonlySet<string> = new Set(["list_head", "rb_root", "kptr"]);
/** Maps whose values the map core walks. */
const walkable: ReadonlySet<string> = new Set(["hash", "lru_hash", "array"]);

/** Gives up what a map's values hold: lists, trees and pointers to objects. */
export function releaseValues({ maps, objects, runtime }: Environment, live: LiveMap): void {
  if (!walkable.has(live.type) || !live.fields.some(({ kind }) => holders.has(kind))) return;
  const found = runtime.memory.alloc(16);
  for (let index = 0; ; ) {
    index = maps.functions.walk(live.address, index, found);
    if (index === 0) break;
    objects.releaseFields(runtime.memory.u32[(found >>> 2) + 1]!, live.fields);
  }
  runtime.memory.free(found);
}

/**
 * A map as the Machine keeps it: it lives while a handle, a program or another map refers to it.
 *
 * Handles are counted by themselves as well: when the last of them goes, a prog array is emptied even though programs
 * still hold it, because its programs may in turn hold the array.
 */
export class MapObject {
  readonly live: LiveMap;
  /** What it was created from. */
  readonly spec: MapSpec;
  /** The types that the spec's ids are of. */
  readonly types: BtfObject | undefined;
  readonly #released: () => void;
  readonly #abandoned: () => void;
  /** Of a struct_ops map, its programs by the members that they implement. */
  implementation: ReadonlyMap<string, MachineProgram> = new Map();
  #references = 0;
  #handles = 0;

  /** @param ends.abandoned the last handle is gone; `released` the last reference. */
  constructor(
    live: LiveMap,
    origin: { readonly spec: MapSpec; readonly types: BtfObject | undefined },
    ends: { readonly abandoned: () => void; readonly released: () => void },
  ) {
    this.live = live;
    this.spec = origin.spec;
    this.types = origin.types;
    this.types?.reference();
    this.#abandoned = ends.abandoned;
    this.#released = ends.released;
  }

  get id(): number {
    return this.live.id;
  }

  /** Where the only value of a global-data map lies. @throws SyscallError EINVAL for other kinds of maps. */
  get valueAddress(): number {
    if (this.live instanceof ArrayMap && this.live.maxEntries === 1) return this.live.storage;
    throw failure("BPF_PROG_LOAD", EINVAL, `a ${this.live.type} map's values have no address of their own`);
  }

  /** Does user space hold it? */
  get isHeld(): boolean {
    return this.#handles > 0;
  }

  reference(): void {
    this.#references++;
  }

  unreference(): void {
    if (--this.#references > 0) return;
    this.#released();
    for (const program of this.implementation.values()) program.unreference();
    this.live.close();
    this.types?.unreference();
  }

  /** The map's programs, which it holds from now on. */
  implement(programs: ReadonlyMap<string, MachineProgram>): void {
    for (const program of programs.values()) program.reference();
    this.implementation = programs;
  }

  addHandle(): void {
    this.#handles++;
    this.reference();
  }

  dropHandle(): void {
    if (--this.#handles === 0) {
      if (this.live.type === "prog_array") this.#empty();
      this.#abandoned();
    }
    this.unreference();
  }

  #empty(): void {
    const key = new Uint8Array(4);
    const view = new DataView(key.buffer);
    for (let index = 0; index < this.live.maxEntries; index++) {
      view.setUint32(0, index, true);
      this.live.delete(key);
    }
  }
}
