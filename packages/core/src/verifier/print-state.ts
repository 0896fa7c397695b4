import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import {
  AUX,
  BYTES,
  FRAME,
  ID,
  isConstant,
  MASK,
  OBJECT,
  OFF,
  PRECISE,
  REF,
  registerAt,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  slotAt,
  TYPE,
  U32_MAX,
  U32_MIN,
  UMAX,
  UMIN,
  VALUE,
} from "./domain/register.js";
import { ADD_CONSTANT } from "./linked.js";
import {
  ARENA,
  BTF_ID,
  DYNPTR,
  isPacketPointer,
  KIND,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MEM,
  NON_OWNING,
  NOT_INIT,
  SCALAR,
  STACK,
  typeName,
} from "./pointer-types.js";
import { BYTE_DYNPTR, BYTE_ITER, BYTE_SPILL, type Frame, type State } from "./state.js";

const byteLetters = "?rm0dif";
const dynptrNames = ["<invalid>", "local", "ringbuf", "skb", "xdp", "skb_meta", "file"];

function u64(r: Int32Array, at: number): bigint {
  return (BigInt(r[at + 1]! >>> 0) << 32n) | BigInt(r[at]! >>> 0);
}

/** Small numbers in decimal, others in hexadecimal. */
export function printUnsigned(value: bigint): string {
  return value <= 0xffffn ? value.toString() : `0x${value.toString(16)}`;
}

export function printSigned(value: bigint): string {
  if (value >= -0x8000n && value <= 0x7fffn) return value.toString();
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

/** A tristate number: the value where it is known, else value and mask. */
export function printTnum(r: Int32Array, at: number): string {
  if (isConstant(r, at)) return printUnsigned(u64(r, at + VALUE));
  return `(0x${u64(r, at + VALUE).toString(16)}; 0x${u64(r, at + MASK).toString(16)})`;
}

interface NamedBound {
  readonly name: string;
  readonly signed: boolean;
  /** Comparable form: sign-extended where it prints as a decimal. */
  readonly value: bigint;
  omitted: boolean;
}

function bounds(r: Int32Array, at: number): NamedBound[] {
  const signed64 = (field: number) => BigInt.asIntN(64, u64(r, at + field));
  const signed32 = (field: number) => {
    const value = r[at + field]!;
    return value >= -0x8000 && value <= 0x7fff ? BigInt(value) : BigInt(value >>> 0);
  };
  const smin = signed64(SMIN);
  const smax = signed64(SMAX);
  const umin = u64(r, at + UMIN);
  const umax = u64(r, at + UMAX);
  return [
    { name: "smin", signed: true, value: smin, omitted: smin === -(1n << 63n) },
    { name: "smax", signed: true, value: smax, omitted: smax === (1n << 63n) - 1n },
    { name: "umin", signed: false, value: umin, omitted: umin === 0n },
    { name: "umax", signed: false, value: umax, omitted: umax === (1n << 64n) - 1n },
    { name: "smin32", signed: true, value: signed32(S32_MIN), omitted: r[at + S32_MIN] === -0x80000000 },
    { name: "smax32", signed: true, value: signed32(S32_MAX), omitted: r[at + S32_MAX] === 0x7fffffff },
    { name: "umin32", signed: false, value: BigInt(r[at + U32_MIN]! >>> 0), omitted: r[at + U32_MIN] === 0 },
    { name: "umax32", signed: false, value: BigInt(r[at + U32_MAX]! >>> 0), omitted: r[at + U32_MAX] === -1 },
  ];
}

/** Bounds that aren't the widest; equal ones share a value: `smin=umin=4`. */
function printRanges(r: Int32Array, at: number): string[] {
  const all = bounds(r, at);
  const parts: string[] = [];
  all.forEach((bound, i) => {
    if (bound.omitted) return;
    const negative = bound.signed && bound.value < 0n;
    let text = `${bound.name}=`;
    for (let j = i + 2; j < all.length; j += 2) {
      const other = all[j]!;
      if (other.omitted || BigInt.asUintN(64, other.value) !== BigInt.asUintN(64, bound.value)) continue;
      if ((other.signed && other.value < 0n) !== negative) continue;
      other.omitted = true;
      text += `${other.name}=`;
    }
    parts.push(text + (bound.signed ? printSigned(bound.value) : printUnsigned(bound.value)));
  });
  return parts;
}

/** One register's value, e.g. `scalar(smin=0,smax=umax=255,var_off=(0x0; 0xff))`. */
export function printRegister(analysis: Analysis, frame: Frame, r: Int32Array, at: number): string {
  const type = r[at + TYPE]!;
  const kind = type & KIND;
  const known = isConstant(r, at);
  const value = BigInt.asIntN(64, u64(r, at + VALUE));
  const precise = type === SCALAR && r[at + PRECISE] === 1 ? "P" : "";
  if (type === SCALAR && known) return precise + printSigned(value);
  let head = precise + typeName(type);
  if (type === ARENA) return head;
  if (type === STACK) {
    if (frame.number !== r[at + FRAME]) head += `[${r[at + FRAME]}]`;
    if (known) return head + printSigned(value + BigInt(r[at + OFF]!));
  }
  if (kind === BTF_ID) head += analysis.typeNameOf(r[at + OBJECT]!, r[at + AUX]!);
  return `${head}(${registerAttributes(analysis, r, at).join(",")})`;
}

function registerAttributes(analysis: Analysis, r: Int32Array, at: number): string[] {
  const type = r[at + TYPE]!;
  const kind = type & KIND;
  const parts: string[] = [];
  const id = r[at + ID]!;
  const off = r[at + OFF]!;
  if (id !== 0) {
    const link = (id & ADD_CONSTANT) !== 0 ? `${off < 0 ? "" : "+"}${off}` : "";
    parts.push(`id=${id & ~ADD_CONSTANT}${link}`);
  }
  if (r[at + REF] !== 0) parts.push(`ref_obj_id=${r[at + REF]}`);
  if ((type & NON_OWNING) !== 0) parts.push("non_own_ref");
  if (kind === MAP_PTR || kind === MAP_VALUE || kind === MAP_KEY) {
    const map = analysis.mapOf(r[at + OBJECT]!);
    if (map.name !== "") parts.push(`map=${map.name}`);
    parts.push(`ks=${map.keySize}`, `vs=${map.valueSize}`);
  }
  if (type !== SCALAR && off !== 0) parts.push(`off=${printSigned(BigInt(off))}`);
  if (isPacketPointer(type)) parts.push(`r=${printUnsigned(BigInt.asUintN(64, BigInt(r[at + AUX]!)))}`);
  if (kind === MEM) parts.push(`sz=${printUnsigned(BigInt(r[at + AUX]! >>> 0))}`);
  if (type === DYNPTR) parts.push(`type=${dynptrNames[r[at + AUX]! & 0xff]}`);
  if (isConstant(r, at)) {
    const value = BigInt.asIntN(64, u64(r, at + VALUE));
    if (value !== 0n) parts.push(`imm=${printSigned(value)}`);
    return parts;
  }
  parts.push(...printRanges(r, at));
  const unknown = r[at + MASK] === -1 && r[at + MASK + 1] === -1;
  if (!unknown) parts.push(`var_off=${printTnum(r, at)}`);
  return parts;
}

const ITERATOR_PREFIX = "bpf_iter_";

/** Name of an iterator's kind, e.g. `"num"` of struct bpf_iter_num. */
export function iteratorName(analysis: Analysis, typeId: number): string {
  return analysis.typeNameOf(KERNEL_TYPES, typeId).slice(ITERATOR_PREFIX.length);
}

function printSlots(analysis: Analysis, frame: Frame, all: boolean): string {
  let text = "";
  for (let slot = 0; slot < frame.slots; slot++) {
    if (!all && !analysis.isSlotTouched(slot)) continue;
    const bytes = frame.bytes(slot);
    if (bytes === 0) continue;
    let at = slotAt(slot);
    const r = frame.records;
    let letters = "";
    for (let i = 0; i < 8; i++) letters += byteLetters[(bytes >>> (i * 4)) & 0xf];
    const label = ` fp${-8 * (slot + 1)}=`;
    switch (r[at + BYTES]! >>> 28) {
      case BYTE_SPILL:
        text += `${label}${letters.slice(0, letters.indexOf("r"))}${printRegister(analysis, frame, r, at)}`;
        break;
      case BYTE_DYNPTR: {
        slot++;
        at = slotAt(slot);
        const attributes: string[] = [];
        if (r[at + ID] !== 0) attributes.push(`id=${r[at + ID]}`);
        if (r[at + REF] !== 0) attributes.push(`ref_id=${r[at + REF]}`);
        if (r[at + OBJECT] !== 0) attributes.push(`dynptr_id=${r[at + OBJECT]}`);
        text += ` fp${-8 * (slot + 1)}=dynptr_${dynptrNames[r[at + AUX]! & 0xff]}(${attributes.join(",")})`;
        break;
      }
      case BYTE_ITER: {
        if (r[at + REF] === 0) break;
        const state = r[at + OBJECT] === 1 ? "active" : r[at + OBJECT] === 2 ? "drained" : "<invalid>";
        text += `${label}iter_${iteratorName(analysis, r[at + AUX]!)}(ref_id=${r[at + REF]},state=${state},depth=${r[at + OFF]})`;
        break;
      }
      default:
        text += label + letters;
    }
  }
  return text;
}

/** Registers and stack of one frame, as a line of the log without its newline; `all` or only what changed. */
export function printFrame(analysis: Analysis, state: State, index: number, all: boolean): string {
  const frame = state.frames[index]!;
  let text = frame.number > 0 ? ` frame${frame.number}:` : "";
  for (let register = 0; register < 11; register++) {
    const at = registerAt(register);
    if (frame.records[at + TYPE] === NOT_INIT) continue;
    if (!all && !analysis.isRegisterTouched(register)) continue;
    text += ` R${register}=${printRegister(analysis, frame, frame.records, at)}`;
  }
  text += printSlots(analysis, frame, all);
  const references = state.references.filter((reference) => reference.id !== 0);
  if (references.length > 0 && state.references[0]!.id !== 0) {
    text += ` refs=${references.map((reference) => reference.id).join(",")}`;
  }
  if (frame.inCallback) text += " cb";
  if (frame.inAsyncCallback) text += " async_cb";
  return text;
}
