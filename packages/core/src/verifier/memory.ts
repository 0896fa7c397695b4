import {
  type ContextLayout,
  FLOW_KEYS_SIZE,
  findContextField,
  sockCommonStruct,
  sockStruct,
  tcpSockStruct,
  xdpSockStruct,
} from "../abi/index.js";
import { checkAlignment } from "./alignment.js";
import { accessBtfObject } from "./btf-access.js";
import { accessContext } from "./context-access.js";
import { signExtend64 } from "./domain/arithmetic.js";
import { repairBounds, truncate } from "./domain/bounds.js";
import { AUX, isConstant, OBJECT, OFF, registerAt, SMIN, TYPE, VALUE } from "./domain/register.js";
import { accessMapObject } from "./map-object.js";
import { accessMapValue } from "./map-values.js";
import type { MemoryAccess } from "./memory-access.js";
import { checkPacketRegion, checkRegion, denyNegativeMinimum } from "./memory-region.js";
import {
  ARENA,
  BTF_ID,
  BUF,
  CTX,
  FLOW_KEYS,
  isPacketPointer,
  isSocketPointer,
  KIND,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  READ_ONLY,
  SCALAR,
  SOCK_COMMON,
  SOCKET,
  STACK,
  TCP_SOCK,
  TP_BUFFER,
  typeName,
  UNTRUSTED,
  XDP_SOCK,
} from "./pointer-types.js";
import { printTnum } from "./print-state.js";
import { hidesValue, requireReadable, requireWritable, setUnknownScalar } from "./registers.js";
import { accessStack } from "./stack-access.js";
import type { Walk } from "./walk.js";

/** Bytes that a load, store or atomic opcode moves. */
export function accessSize(opcode: number): number {
  switch (opcode & 0x18) {
    case 0x00:
      return 4;
    case 0x08:
      return 2;
    case 0x10:
      return 1;
    default:
      return 8;
  }
}

const socketStructs: Readonly<Record<number, ContextLayout>> = {
  [SOCKET]: sockStruct,
  [SOCK_COMMON]: sockCommonStruct,
  [TCP_SOCK]: tcpSockStruct,
  [XDP_SOCK]: xdpSockStruct,
};

/** Checks one access, and loads what is known of the value. */
export function accessMemory(walk: Walk, access: MemoryAccess): void {
  const { analysis } = walk;
  const { register, size, write, value } = access;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  checkAlignment(analysis, register, access.offset, size, access.aligned ?? false);
  const offset = access.offset + records[at + OFF]!;
  switch (type & KIND) {
    case STACK:
      if (type !== STACK) {
        denyPointer(walk, register);
        return;
      }
      accessStack(walk, register, offset, size, write, value);
      break;
    case MAP_VALUE:
      if (type !== MAP_VALUE) {
        denyPointer(walk, register);
        return;
      }
      accessMapValue(walk, access, offset);
      break;
    case CTX:
      if (type !== CTX) {
        denyPointer(walk, register);
        return;
      }
      if (write) refuseLeak(walk, value, "ctx");
      accessContext(analysis, register, offset, size, write, value, access.signExtends ?? false);
      break;
    default:
      accessOther(walk, access, type, offset);
  }
  if (!write && value >= 0 && size < 8) narrowLoaded(walk, value, size, access.signExtends ?? false);
}

function narrowLoaded(walk: Walk, register: number, size: number, signExtends: boolean): void {
  const { records } = walk.analysis.frame;
  const at = registerAt(register);
  if (records[at + TYPE] !== SCALAR) return;
  if (signExtends) signExtend64(records, at, size * 8);
  else truncate(records, at, size);
}

function denyPointer(walk: Walk, register: number): never {
  const { analysis } = walk;
  const type = analysis.frame.records[registerAt(register) + TYPE]!;
  return analysis.deny("memory_access", `R${register} invalid mem access '${typeName(type)}'`);
}

/** A program without privileges must not store a pointer where it can be read as a number. */
export function refuseLeak(walk: Walk, value: number, where: string): void {
  if (value >= 0 && hidesValue(walk.analysis, value)) {
    walk.analysis.deny("pointer_leak", `R${value} leaks addr into ${where}`);
  }
}

/** Whatever was loaded is a scalar of which nothing is known. */
function loadUnknown(walk: Walk, access: MemoryAccess): void {
  if (access.write || access.value < 0) return;
  setUnknownScalar(walk.analysis, walk.analysis.frame.records, registerAt(access.value));
}

function accessOther(walk: Walk, access: MemoryAccess, type: number, offset: number): void {
  const { analysis } = walk;
  const { register, size, write } = access;
  const kind = type & KIND;
  if (isPacketPointer(type)) accessPacket(walk, access, offset);
  else if (type === MAP_KEY) {
    if (write) analysis.deny("memory_access", `write to change key R${register} not allowed`);
    const map = analysis.mapOf(analysis.frame.records[registerAt(register) + OBJECT]!);
    checkRegion(analysis, register, offset, size, map.keySize, false);
    loadUnknown(walk, access);
  } else if (kind === MEM) accessRegion(walk, access, type, offset);
  else if (type === FLOW_KEYS) accessFlowKeys(walk, access, offset);
  else if (isSocketPointer(type)) accessSocket(walk, access, type, offset);
  else if (type === TP_BUFFER) {
    checkBuffer(walk, register, offset, size, "tracepoint");
    loadUnknown(walk, access);
  } else if (kind === BTF_ID && (type & MAYBE_NULL) === 0) accessBtfObject(walk, access, offset);
  else if (type === MAP_PTR) accessMapObject(walk, access, offset);
  else if (kind === BUF && (type & MAYBE_NULL) === 0) accessBuffer(walk, access, type, offset);
  else if (type === ARENA) loadUnknown(walk, access);
  else denyPointer(walk, register);
}

function accessPacket(walk: Walk, access: MemoryAccess, offset: number): void {
  const { analysis } = walk;
  if (access.write && analysis.rules.packet !== "read_write") {
    analysis.deny("packet_access", "cannot write into packet");
  }
  if (access.write) refuseLeak(walk, access.value, "packet");
  checkPacketAccess(walk, access.register, offset, access.size, false);
  loadUnknown(walk, access);
}

/** `size` bytes at `offset` behind a packet pointer's variable part have to be within what a comparison proved. */
export function checkPacketAccess(
  walk: Walk,
  register: number,
  offset: number,
  size: number,
  zeroSizeAllowed: boolean,
): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (records[at + SMIN + 1]! < 0) denyNegativeMinimum(analysis, register);
  checkPacketRegion(analysis, register, offset, size, records[at + AUX]!, zeroSizeAllowed);
}

function accessRegion(walk: Walk, access: MemoryAccess, type: number, offset: number): void {
  const { analysis } = walk;
  const { register, write } = access;
  if ((type & MAYBE_NULL) !== 0) denyPointer(walk, register);
  const readOnly = (type & READ_ONLY) !== 0;
  if (write && readOnly) {
    analysis.deny("memory_access", `R${register} cannot write into ${typeName(type)}`);
  }
  if (write) refuseLeak(walk, access.value, "mem");
  if (!(readOnly && (type & UNTRUSTED) !== 0)) {
    const size = analysis.frame.records[registerAt(register) + AUX]! >>> 0;
    checkRegion(analysis, register, offset, access.size, size, false);
  }
  loadUnknown(walk, access);
}

function accessFlowKeys(walk: Walk, access: MemoryAccess, offset: number): void {
  const { analysis } = walk;
  if (access.write) refuseLeak(walk, access.value, "flow keys");
  if (offset < 0 || offset + access.size > FLOW_KEYS_SIZE) {
    analysis.deny("memory_access", `invalid access to flow keys off=${offset} size=${access.size}`);
  }
  loadUnknown(walk, access);
}

function accessSocket(walk: Walk, access: MemoryAccess, type: number, offset: number): void {
  const { analysis } = walk;
  const { register, size } = access;
  if (access.write) analysis.deny("memory_access", `R${register} cannot write into ${typeName(type)}`);
  if (analysis.frame.records[registerAt(register) + SMIN + 1]! < 0) denyNegativeMinimum(analysis, register);
  const layout = socketStructs[type]!;
  const query = { offset, size, write: false, attachType: undefined };
  if (findContextField(layout, query) === undefined) {
    analysis.deny("memory_access", `R${register} invalid ${typeName(type)} access off=${offset} size=${size}`);
  }
  loadUnknown(walk, access);
}

/** Buffers have no size that the verifier knows: the kernel checks the furthest access when the program is attached. */
export function checkBuffer(walk: Walk, register: number, offset: number, size: number, name: string): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (offset < 0) {
    analysis.deny("memory_access", `R${register} invalid ${name} buffer access: off=${offset}, size=${size}`);
  }
  if (isConstant(records, at) && (records[at + VALUE]! | records[at + VALUE + 1]!) === 0) return;
  analysis.deny(
    "memory_access",
    `R${register} invalid variable buffer offset: off=${offset}, var_off=${printTnum(records, at)}`,
  );
}

function accessBuffer(walk: Walk, access: MemoryAccess, type: number, offset: number): void {
  const readOnly = (type & READ_ONLY) !== 0;
  if (readOnly && access.write) {
    walk.analysis.deny("memory_access", `R${access.register} cannot write into ${typeName(type)}`);
  }
  checkBuffer(walk, access.register, offset, access.size, readOnly ? "rdonly" : "rdwr");
  loadUnknown(walk, access);
}

/** Notes the type behind a load or store; one instruction must not go through pointers that need different code. */
function notePointer(walk: Walk, type: number, mayMix: boolean): void {
  const { analysis } = walk;
  const before = analysis.pointerTypes[analysis.slot]!;
  if (before === 0) analysis.pointerTypes[analysis.slot] = type;
  else if (before !== type && (isSpecial(type) || isSpecial(before)) && !(mayMix && bothMemory(type, before))) {
    analysis.invalid("memory_access", "same insn cannot be used with different pointers");
  } else if (isSpecial(type)) analysis.pointerTypes[analysis.slot] = type;
}

/** Pointers whose accesses the kernel rewrites. */
function isSpecial(type: number): boolean {
  const kind = type & KIND;
  return kind === CTX || isSocketPointer(kind) || kind === BTF_ID || kind === ARENA;
}

function bothMemory(a: number, b: number): boolean {
  const isMemory = (type: number) => (type & KIND) === MEM || (type & KIND) === BTF_ID;
  return isMemory(a) && isMemory(b);
}

/** `dst = *(src + offset)`. */
export function stepLoad(walk: Walk, signExtends: boolean, aligned: boolean): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const dst = insns.dst[slot]!;
  const src = insns.src[slot]!;
  requireReadable(analysis, src);
  requireWritable(analysis, dst);
  const type = analysis.frame.records[registerAt(src) + TYPE]!;
  accessMemory(walk, {
    register: src,
    offset: insns.offset[slot]!,
    size: accessSize(insns.opcode[slot]!),
    write: false,
    value: dst,
    aligned,
    signExtends,
  });
  notePointer(walk, type, true);
  repairBounds(analysis.frame.records, registerAt(dst));
}

/** `*(dst + offset) = src`, or an immediate. */
export function stepStore(walk: Walk, immediate: boolean, aligned: boolean): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const dst = insns.dst[slot]!;
  const value = immediate ? -1 : insns.src[slot]!;
  if (value >= 0) requireReadable(analysis, value);
  requireReadable(analysis, dst);
  const type = analysis.frame.records[registerAt(dst) + TYPE]!;
  accessMemory(walk, {
    register: dst,
    offset: insns.offset[slot]!,
    size: accessSize(insns.opcode[slot]!),
    write: true,
    value,
    aligned,
  });
  notePointer(walk, type, false);
}

export { notePointer };
