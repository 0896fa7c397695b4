import { type AttachType, isGplCompatible, kernelObjectName } from "../abi/index.js";
import type { TypeId } from "../btf/index.js";
import type { ObjectLayout, ProgramImage, RunContext, RunStatus, Runtime } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";
import type { BtfObject } from "./btf-objects.js";
import { specialFields } from "./map-fields.js";
import type { MapObject } from "./map-object.js";
import type { Statistics } from "./statistics.js";

/** What a Machine says about a program, as `struct bpf_prog_info` does. */
export interface ProgramInfo {
  readonly id: number;
  readonly type: ProgramSpec["type"];
  /** At most 15 bytes. */
  readonly name: string;
  /** 8 bytes of a hash over the instructions, in hex. */
  readonly tag: string;
  /** Bytes of instructions. */
  readonly xlatedSize: number;
  /** Nanoseconds since boot. */
  readonly loadTime: bigint;
  readonly createdByUid: number;
  readonly gplCompatible: boolean;
  /** Of the types that it was loaded with; 0 where there were none. */
  readonly btfId: number;
  /** Maps that it refers to. */
  readonly mapIds: readonly number[];
  /** Nanoseconds in the program, and runs, counted while statistics are on. */
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
}

/** What a program is made of. */
export interface ProgramParts {
  readonly id: number;
  readonly spec: ProgramSpec;
  readonly log: string;
  readonly image: ProgramImage;
  readonly tag: string;
  /** Bytes of the context that it accesses, as far as that is known. */
  readonly contextSize: number;
  readonly maps: readonly MapObject[];
  /** Loaded with the JIT on, which interprets what makes too much code. */
  readonly jited: boolean;
  /** What its references call them. */
  readonly mapNames: readonly string[];
  readonly types: BtfObject | undefined;
  readonly loadTime: bigint;
  readonly uid: number;
}

/** A program as the Machine keeps it: it lives while a handle, a pin, a link or a slot of a map refers to it. */
export class ProgramObject {
  readonly parts: ProgramParts;
  readonly #statistics: Statistics;
  readonly #released: (object: ProgramObject) => void;
  readonly #layouts = new Map<TypeId, ObjectLayout>();
  #references = 0;
  #runs = 0;
  #nanoseconds = 0;

  constructor(parts: ProgramParts, statistics: Statistics, released: (object: ProgramObject) => void) {
    this.parts = parts;
    this.#statistics = statistics;
    this.#released = released;
    for (const map of parts.maps) map.reference();
    parts.types?.reference();
  }

  get attachType(): AttachType | undefined {
    return this.parts.spec.attachType;
  }

  /** Whether its runs are counted and timed one by one. */
  get isCounted(): boolean {
    return this.#statistics.on;
  }

  execute(runtime: Runtime, context: RunContext): RunStatus {
    if (!this.#statistics.on) return runtime.execute(this.parts.image, context);
    const start = this.#statistics.now();
    const status = runtime.execute(this.parts.image, context);
    this.#nanoseconds += this.#statistics.now() - start;
    this.#runs++;
    return status;
  }

  /** Runs it `times` times on one context, see {@link Runtime.executeRepeatedly}. */
  executeRepeatedly(runtime: Runtime, context: RunContext, times: number): RunStatus {
    if (!this.#statistics.on) return runtime.executeRepeatedly(this.parts.image, context, times);
    const start = this.#statistics.now();
    const status = runtime.executeRepeatedly(this.parts.image, context, times);
    this.#nanoseconds += this.#statistics.now() - start;
    this.#runs += times;
    return status;
  }

  /** What a type of its own looks like in memory. */
  layoutOf(typeId: TypeId): ObjectLayout | undefined {
    const btf = this.parts.types?.btf;
    let layout = this.#layouts.get(typeId);
    const size = btf?.size(typeId);
    if (layout === undefined && size !== undefined) {
      layout = { size, fields: specialFields(btf, typeId) };
      this.#layouts.set(typeId, layout);
    }
    return layout;
  }

  info(): ProgramInfo {
    const { id, spec, tag, maps, types, loadTime, uid } = this.parts;
    return {
      id,
      type: spec.type,
      name: kernelObjectName(spec.name),
      tag,
      xlatedSize: spec.insns.length,
      loadTime,
      createdByUid: uid,
      gplCompatible: isGplCompatible(spec.license),
      btfId: types?.id ?? 0,
      mapIds: maps.map((map) => map.id),
      runTimeNs: BigInt(Math.round(this.#nanoseconds)),
      runCount: BigInt(this.#runs),
    };
  }

  reference(): void {
    this.#references++;
  }

  unreference(): void {
    if (--this.#references > 0) return;
    this.#released(this);
    this.parts.image.close();
    for (const map of this.parts.maps) map.unreference();
    this.parts.types?.unreference();
  }
}
