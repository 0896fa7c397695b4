import { BPF_RINGBUF_DISCARD_BIT, EINVAL } from "../abi/index.js";
import { ArrayMap, handleSlot, type LiveMap, lookupFunction, mapHeader, PerCpuArrayMap } from "../maps/index.js";
import type { DecodedProgram } from "../runtime/index.js";
import { type FunctionBuilder, I32, I64, i32, i64 } from "../wasm/index.js";
import type { Translation } from "./translation.js";

const LOOKUP = 1;
const UPDATE = 2;
const DELETE = 3;
const KTIME_GET_NS = 5;
const SMP_PROCESSOR_ID = 8;
const RINGBUF_OUTPUT = 130;
const RINGBUF_RESERVE = 131;
const RINGBUF_SUBMIT = 132;
const RINGBUF_DISCARD = 133;

/** What stands for a helper call in code that needs no checks. */
export interface InlineHelper {
  /** Functions of the map core that it calls. */
  readonly imports: readonly string[];
  /** Emits it; r0 gets the result. `call` emits the call of the helper itself. */
  readonly emit: (t: Translation, call: () => void) => void;
  /** Whether the helper itself is called where there is no other way; in batches there is. */
  readonly falls?: true;
}

/** Names of map core functions, and how many i32s they take. */
export const mapCoreParameters: Readonly<Record<string, number>> = {
  update: 4,
  delete: 2,
  ringbuf_output: 4,
  ringbuf_commit: 3,
  ringbuf_reserve: 2,
};

/**
 * What the helper call at `slot` becomes, or undefined where it stays a call of the helper. In blinded code no size of a
 * map may stand, because whoever made the map chose it.
 */
export function inlineHelper(
  program: DecodedProgram,
  slot: number,
  map: LiveMap | undefined,
  blinded: boolean,
): InlineHelper | undefined {
  switch (program.slots.imm[slot]) {
    case SMP_PROCESSOR_ID:
      return { imports: [], emit: (t) => result(t, () => t.f.globalGet(t.parts.imports.cpu!), "uint") };
    case KTIME_GET_NS:
      return { imports: [], emit: emitTime, falls: true };
    case LOOKUP:
      return map && lookup(map, blinded);
    case UPDATE:
      return map && coreCall("update", [1, 2, 3, 4], "int");
    case DELETE:
      return map && coreCall("delete", [1, 2], "int");
    case RINGBUF_OUTPUT:
      return map && { imports: ["ringbuf_output"], emit: emitRingOutput };
    case RINGBUF_RESERVE:
      return map && { imports: ["ringbuf_reserve"], emit: emitRingReserve };
    case RINGBUF_SUBMIT:
      return { imports: ["ringbuf_commit"], emit: (t) => emitRingCommit(t, 0) };
    case RINGBUF_DISCARD:
      return { imports: ["ringbuf_commit"], emit: (t) => emitRingCommit(t, BPF_RINGBUF_DISCARD_BIT) };
    default:
      return undefined;
  }
}

/** Sets r0 to the i32 that `push` leaves. */
function result(t: Translation, push: () => void, extension: "int" | "uint"): void {
  push();
  t.f.op(extension === "int" ? i64.extend_i32_s : i64.extend_i32_u);
  t.set(0, 64);
}

function callCore(t: Translation, name: string): FunctionBuilder {
  return t.f.call(t.parts.imports.maps.get(name)!);
}

function coreCall(name: string, registers: readonly number[], extension: "int" | "uint"): InlineHelper {
  const emit = (t: Translation) => {
    result(
      t,
      () => {
        for (const register of registers) t.get(register, 32);
        callCore(t, name);
      },
      extension,
    );
  };
  return { imports: [name], emit };
}

function lookup(map: LiveMap, blinded: boolean): InlineHelper | undefined {
  if (map instanceof ArrayMap && !blinded) return { imports: [], emit: (t) => emitArrayLookup(t, map, map.storage) };
  if (map instanceof PerCpuArrayMap && !blinded) {
    return {
      imports: [],
      emit: (t) =>
        emitArrayLookup(t, map, map.storage, () => {
          t.f.globalGet(t.parts.imports.cpu!).i32(map.cpuStride).op(i32.mul).op(i32.add);
        }),
    };
  }
  const name = lookupFunction(map.type, map.keySize);
  return name === undefined ? undefined : coreCall(name, [1, 2], "uint");
}

/** The entry's address, or 0 beyond the map's end. An array's storage stays where it is. */
function emitArrayLookup(
  t: Translation,
  map: { readonly stride: number; readonly maxEntries: number },
  storage: number,
  adjust?: () => void,
): void {
  const { f } = t;
  const index = t.scratch(I32, "index");
  result(
    t,
    () => {
      t.get(2, 32).load(i32.load).tee(index);
      if ((map.stride & (map.stride - 1)) === 0) f.i32(Math.log2(map.stride)).op(i32.shl);
      else f.i32(map.stride).op(i32.mul);
      f.i32(storage).op(i32.add);
      adjust?.();
      f.i32(0).get(index).i32(map.maxEntries).op(i32.lt_u).select();
    },
    "uint",
  );
}

/** The time that was laid down for the run, or the clock's. */
function emitTime(t: Translation, call: () => void): void {
  const { f } = t;
  const time = t.scratch(I64, "time");
  f.i32(0).load(i64.load, t.parts.timeAddress).tee(time).op(i64.eqz).openIf();
  call();
  f.else().get(time);
  t.set(0, 64);
  f.end();
}

/** Any flag and sizes that don't fit 32 bits give null, as of the helper. */
function emitRingReserve(t: Translation): void {
  const { f } = t;
  result(
    t,
    () => {
      t.get(3, 64);
      t.get(2, 64).i64(32).op(i64.shr_u).op(i64.or).op(i64.eqz);
      f.openIf(I32);
      for (const register of [1, 2]) t.get(register, 32);
      callCore(t, "ringbuf_reserve").else().i32(0).end();
    },
    "uint",
  );
}

/** Flags that don't fit 32 bits are refused, as the helper does. */
function emitRingOutput(t: Translation): void {
  const { f } = t;
  result(
    t,
    () => {
      t.get(4, 64).i64(32).op(i64.shr_u).op(i64.eqz);
      f.openIf(I32);
      for (const register of [1, 2, 3, 4]) t.get(register, 32);
      callCore(t, "ringbuf_output").else().i32(-EINVAL).end();
    },
    "int",
  );
}

function emitRingCommit(t: Translation, discard: number): void {
  result(
    t,
    () => {
      t.get(1, 32);
      t.get(2, 32);
      t.f.i32(discard);
      callCore(t, "ringbuf_commit");
    },
    "int",
  );
}

/** Pushes the record of the program in a prog array's slot (r3), or 0. The array's storage stays where it is. */
export function emitTailTarget(t: Translation, map: LiveMap): void {
  const { f } = t;
  const storage = map.memory.u32[(map.address + mapHeader.STORAGE) >>> 2]!;
  t.get(3, 32).i32(map.maxEntries).op(i32.lt_u);
  f.openIf(I32);
  t.get(3, 32)
    .i32(handleSlot.SIZE)
    .op(i32.mul)
    .load(i32.load, storage + handleSlot.HANDLE);
  f.else().i32(0).end();
}
