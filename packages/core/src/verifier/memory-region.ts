import type { Analysis } from "./analysis.js";
import { ID, isConstant, OFF, registerAt, SMIN, TYPE, UMAX, VALUE } from "./domain/register.js";
import { KIND, MAP_KEY, MAP_VALUE, PACKET, PACKET_END, PACKET_META, typeName } from "./pointer-types.js";
import { printTnum } from "./print-state.js";
import { boundNumber, unsignedNumber } from "./registers.js";
import type { RejectionCode } from "./verdict.js";

/** Variable offsets end here (`BPF_MAX_VAR_OFF`). */
export const MAX_VARIABLE_OFFSET = 1 << 29;
export const MAX_PACKET_OFFSET = 0xffff;

export function denyNegativeMinimum(analysis: Analysis, register: number): never {
  return analysis.deny(
    "memory_access",
    `R${register} min value is negative, either use unsigned index or do a if (index >=0) check.`,
  );
}

/** Are `size` bytes at `offset` within a region? */
function isWithin(offset: number, size: number, regionSize: number, zeroSizeAllowed: boolean): boolean {
  return offset >= 0 && (size > 0 || (size === 0 && zeroSizeAllowed)) && offset + size <= regionSize;
}

/** Logs why `size` bytes at `offset` aren't within the region of `regionSize` bytes. */
function outside(analysis: Analysis, register: number, offset: number, size: number, regionSize: number): void {
  const { records } = analysis.frame;
  const at = registerAt(register);
  let text: string;
  switch (records[at + TYPE]! & KIND) {
    case MAP_KEY:
      text = `invalid access to map key, key_size=${regionSize} off=${offset} size=${size}`;
      break;
    case MAP_VALUE:
      text = `invalid access to map value, value_size=${regionSize} off=${offset} size=${size}`;
      break;
    case PACKET:
    case PACKET_META:
    case PACKET_END:
      text =
        `invalid access to packet, off=${offset} size=${size}, ` +
        `R${register}(id=${records[at + ID]},off=${offset},r=${regionSize})`;
      break;
    default:
      text = `invalid access to memory, mem_size=${regionSize} off=${offset} size=${size}`;
  }
  analysis.log.write(`${text}\n`);
}

/** Like {@link checkRegion}, for the packet: only the known part of the offset counts, the range lies behind the rest. */
export function checkPacketRegion(
  analysis: Analysis,
  register: number,
  offset: number,
  size: number,
  range: number,
  zeroSizeAllowed: boolean,
): void {
  if (range >= 0 && isWithin(offset, size, range, zeroSizeAllowed)) return;
  if (range >= 0) outside(analysis, register, offset, size, range);
  const message = `R${register} offset is outside of the packet`;
  if (range < 0) analysis.invalid("packet_access", message);
  else analysis.deny("packet_access", message);
}

/**
 * An access of `size` bytes through a register, `offset` bytes (the register's known offset included) behind its
 * variable part, has to lie within a region of `regionSize` bytes wherever the variable part points.
 */
export function checkRegion(
  analysis: Analysis,
  register: number,
  offset: number,
  size: number,
  regionSize: number,
  zeroSizeAllowed: boolean,
): void {
  const { records } = analysis.frame;
  const at = registerAt(register);
  const code: RejectionCode = (records[at + TYPE]! & KIND) === MAP_VALUE ? "map_access" : "memory_access";
  const smin = boundNumber(records, at + SMIN);
  if (smin < 0 && (offset + smin !== ((offset + smin) | 0) || smin + offset < 0)) {
    denyNegativeMinimum(analysis, register);
  }
  const lowest = (records[at + SMIN]! + offset) | 0;
  if (!isWithin(lowest, size, regionSize, zeroSizeAllowed)) {
    outside(analysis, register, lowest, size, regionSize);
    analysis.deny(code, `R${register} min value is outside of the allowed memory range`);
  }
  if (unsignedNumber(records, at + UMAX) >= MAX_VARIABLE_OFFSET) {
    analysis.deny(code, `R${register} unbounded memory access, make sure to bounds check any such access`);
  }
  const highest = (records[at + UMAX]! + offset) | 0;
  if (!isWithin(highest, size, regionSize, zeroSizeAllowed)) {
    outside(analysis, register, highest, size, regionSize);
    analysis.deny(code, `R${register} max value is outside of the allowed memory range`);
  }
}

/** The pointer has to be as it came: without a variable offset, and without a fixed one unless that is fine. */
export function requireUnmodified(analysis: Analysis, register: number, fixedOffsetAllowed: boolean): void {
  requireUnmodifiedRecord(analysis, analysis.frame.records, registerAt(register), register, fixedOffsetAllowed);
}

export function requireUnmodifiedRecord(
  analysis: Analysis,
  r: Int32Array,
  at: number,
  register: number,
  fixedOffsetAllowed: boolean,
): void {
  const name = typeName(r[at + TYPE]!);
  const off = r[at + OFF]!;
  if (off < 0) {
    analysis.deny("pointer_arithmetic", `negative offset ${name} ptr R${register} off=${off} disallowed`);
  }
  if (!fixedOffsetAllowed && off !== 0) {
    analysis.deny("pointer_arithmetic", `dereference of modified ${name} ptr R${register} off=${off} disallowed`);
  }
  if (!isConstant(r, at) || (r[at + VALUE]! | r[at + VALUE + 1]!) !== 0) {
    analysis.deny("pointer_arithmetic", `variable ${name} access var_off=${printTnum(r, at)} disallowed`);
  }
}
