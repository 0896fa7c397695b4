import type { ArgumentKind, HelperArgument } from "../abi/index.js";
import { mapTypeName } from "../abi/index.js";
import { checkAlignment } from "./alignment.js";
import { checkArgumentOffset } from "./argument-offset.js";
import type { CallArguments } from "./call-arguments.js";
import { constantKey } from "./constant-key.js";
import { checkConstantString } from "./constant-string.js";
import { AUX, isConstant, MAP_UID, OBJECT, REF, registerAt, TYPE, UMAX, VALUE } from "./domain/register.js";
import { dynptrNumber, makeDynptr, requireDynptrPointer, requireReferencedDynptr, useDynptr } from "./dynptrs.js";
import { inTreeCallback } from "./graph-objects.js";
import { checkCallMemory, checkSizedMemory } from "./helper-memory.js";
import type { VerifierMap } from "./input.js";
import { findExchangedField } from "./kernel-pointers.js";
import {
  ALLOCATED,
  BTF_ID,
  BUF,
  CTX,
  DYNPTR,
  FUNC,
  isPacketPointer,
  KIND,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  PACKET,
  PACKET_META,
  PERCPU,
  RCU,
  READ_ONLY,
  RINGBUF_MEM,
  SCALAR,
  SOCK_COMMON,
  SOCKET,
  STACK,
  TCP_SOCK,
  TRUSTED,
  typeName,
  withoutSlice,
  XDP_SOCK,
} from "./pointer-types.js";
import { hidesValue, isNull, requireReadable, unsignedNumber } from "./registers.js";
import { lockOrUnlock } from "./spin-locks.js";
import { checkMapField } from "./timers.js";
import { checkTypedArgument } from "./typed-arguments.js";
import type { Walk } from "./walk.js";

const memoryTypes = [
  STACK,
  PACKET,
  PACKET_META,
  MAP_KEY,
  MAP_VALUE,
  MEM,
  MEM | RINGBUF_MEM,
  BUF,
  BTF_ID | TRUSTED,
] as const;
const socketTypes = [SOCK_COMMON, SOCKET, TCP_SOCK, XDP_SOCK] as const;

/** Register types that an argument takes, in the order in which messages list them. */
const accepted: Readonly<Partial<Record<ArgumentKind, readonly number[]>>> = {
  map_key: memoryTypes,
  map_value: memoryTypes,
  mem: memoryTypes,
  const_size: [SCALAR],
  const_size_or_zero: [SCALAR],
  alloc_size_or_zero: [SCALAR],
  scalar: [SCALAR],
  const_map_ptr: [MAP_PTR],
  ctx: [CTX],
  sock_common: socketTypes,
  btf_id_sock_common: [...socketTypes, BTF_ID, BTF_ID | TRUSTED],
  socket: [SOCKET],
  btf_id: [BTF_ID, BTF_ID | TRUSTED, BTF_ID | RCU],
  spin_lock: [MAP_VALUE, BTF_ID | ALLOCATED],
  ringbuf_mem: [MEM | RINGBUF_MEM],
  percpu_btf_id: [BTF_ID | PERCPU, BTF_ID | PERCPU | RCU, BTF_ID | PERCPU | TRUSTED],
  func: [FUNC],
  stack: [STACK],
  const_str: [MAP_VALUE],
  timer: [MAP_VALUE],
  kptr_xchg_dest: [MAP_VALUE, BTF_ID | ALLOCATED],
  dynptr: [STACK, DYNPTR],
};

/** Checks one argument; `index` counts from 0. */
export function checkArgument(walk: Walk, call: CallArguments, index: number): void {
  const { analysis } = walk;
  const register = index + 1;
  const at = registerAt(register);
  let argument = call.prototype.args[index]!;
  requireReadable(analysis, register);
  const { records } = analysis.frame;
  if (argument.kind === "anything") {
    if (hidesValue(analysis, register)) {
      analysis.deny("pointer_leak", `R${register} leaks addr into helper function`);
    }
    return;
  }
  const type = records[at + TYPE]!;
  if (isPacketPointer(type) && !mayPassPacket(walk, call)) {
    analysis.deny("argument", "helper access to the packet is not allowed");
  }
  if (argument.kind === "map_value") argument = resolveMapValue(walk, call, argument);
  if (!(argument.nullable && isNull(records, at))) {
    checkArgumentType(walk, call, register, argument);
    checkArgumentOffset(walk, register, argument.releases === true, argument.kind === "dynptr");
  }
  if (argument.releases) noteRelease(walk, call, register, argument);
  noteReference(walk, call, register, argument);
  checkByKind(walk, call, index, register, argument);
}

function mayPassPacket(walk: Walk, call: CallArguments): boolean {
  const { rules, type } = walk.analysis;
  if (rules.packet === "none") return false;
  return type === "cgroup_sockopt" || call.prototype.packetAccess === true;
}

/** Some maps hold something else than memory. */
function resolveMapValue(walk: Walk, call: CallArguments, argument: HelperArgument): HelperArgument {
  const type = call.map === undefined ? undefined : mapTypeName(call.map.type);
  if (type === "sockmap" || type === "sockhash") {
    if (argument.uninitialized || argument.nullable) {
      walk.analysis.invalid("argument", "invalid arg_type for sockmap/sockhash");
    }
    return { kind: "btf_id_sock_common" };
  }
  if (type === "bloom_filter" && call.prototype.name === "map_peek_elem") return { kind: "map_value" };
  return argument;
}

export function checkArgumentType(walk: Walk, call: CallArguments, register: number, argument: HelperArgument): void {
  const { analysis } = walk;
  const type = analysis.frame.records[registerAt(register) + TYPE]!;
  const types = accepted[argument.kind];
  if (types === undefined) return;
  let compared = type;
  if (argument.readOnly) compared &= ~READ_ONLY;
  if (argument.nullable) compared &= ~MAYBE_NULL;
  if (argument.kind === "mem") compared = withoutSlice(compared);
  const isXchgSource = call.prototype.name === "kptr_xchg" && register === 2;
  if (isXchgSource && (compared & ALLOCATED) !== 0) compared &= ~(ALLOCATED | PERCPU);
  if (!types.includes(compared)) {
    const names = types.map((expected) => typeName(expected)).join(", ");
    analysis.deny("argument", `R${register} type=${typeName(type)} expected=${names}`);
  }
  if ((type & KIND) !== BTF_ID) return;
  if (types === memoryTypes) {
    if (argument.readOnly) return;
    analysis.deny(
      "argument",
      `${call.prototype.name}() may write into memory pointed by R${register} type=${typeName(type)}`,
    );
  }
  checkTypedArgument(walk, call, register, argument);
}

function noteRelease(walk: Walk, call: CallArguments, register: number, argument: HelperArgument): void {
  const { analysis } = walk;
  if (argument.kind === "dynptr") {
    requireReferencedDynptr(walk, register);
    call.releases = register;
    return;
  }
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (records[at + REF] === 0 && !isNull(records, at)) {
    analysis.invalid("reference", `R${register} must be referenced when passed to release function`);
  }
  call.releases = register;
}

function noteReference(walk: Walk, call: CallArguments, register: number, argument: HelperArgument): void {
  const reference = walk.analysis.frame.records[registerAt(register) + REF]!;
  if (reference === 0 || argument.kind === "kptr_xchg_dest") return;
  if (call.reference !== 0) {
    walk.analysis.deny("reference", `more than one arg with ref_obj_id R${register} ${reference} ${call.reference}`);
  }
  call.reference = reference;
}

function checkByKind(walk: Walk, call: CallArguments, index: number, register: number, argument: HelperArgument): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(register);
  switch (argument.kind) {
    case "const_map_ptr":
      noteMap(walk, call, at);
      return;
    case "map_key":
      checkCallMemory(walk, register, requireMap(walk, call).keySize, { write: false, zeroSizeAllowed: false });
      call.constantKey = constantKey(walk, register, requireMap(walk, call));
      return;
    case "map_value":
      if (argument.nullable && isNull(records, at)) return;
      checkCallMemory(walk, register, requireMap(walk, call).valueSize, {
        write: argument.writes === true,
        zeroSizeAllowed: false,
        raw: argument.uninitialized ? call.raw : undefined,
      });
      return;
    case "mem":
      checkFixedMemory(walk, call, register, argument);
      return;
    case "const_size":
    case "const_size_or_zero": {
      const memory = call.prototype.args[index - 1]!;
      call.sizeLimit = unsignedNumber(records, at + UMAX);
      checkSizedMemory(walk, register, {
        write: memory.writes === true,
        zeroSizeAllowed: argument.kind === "const_size_or_zero",
        raw: memory.uninitialized ? call.raw : undefined,
      });
      return;
    }
    case "alloc_size_or_zero":
      if (!isConstant(records, at)) analysis.deny("argument", `R${register} is not a known constant'`);
      call.allocated = records[at + VALUE]!;
      walk.precision.mark(register);
      return;
    case "func":
      call.subprogram = records[at + AUX]!;
      return;
    case "spin_lock":
      if (inTreeCallback(analysis)) analysis.deny("lock", "can't spin_{lock,unlock} in rbtree cb");
      lockOrUnlock(walk, register, "lock", call.prototype.name === "spin_lock");
      return;
    case "timer":
      checkMapField(walk, call, register, "timer", "bpf_timer");
      return;
    case "const_str":
      call.format = checkConstantString(walk, register);
      return;
    case "dynptr":
      checkDynptrArgument(walk, register, argument);
      return;
    case "kptr_xchg_dest":
      findExchangedField(walk, call, register);
      return;
    case "percpu_btf_id":
      if (records[at + AUX] === 0) analysis.deny("argument", `Helper has invalid btf_id in R${register}`);
      call.perCpuObject = records[at + OBJECT]!;
      call.perCpuType = records[at + AUX]!;
      call.perCpuAllocated = (records[at + TYPE]! & RCU) !== 0;
      return;
    default:
  }
}

function checkDynptrArgument(walk: Walk, register: number, argument: HelperArgument): void {
  requireDynptrPointer(walk, register);
  const kind = dynptrNumber(argument.dynptr);
  if (argument.uninitialized) makeDynptr(walk, register, kind, 0);
  else useDynptr(walk, register, kind, argument.readOnly === true);
}

function noteMap(walk: Walk, call: CallArguments, at: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const object = records[at + OBJECT]!;
  const uid = records[at + MAP_UID]!;
  if (call.map !== undefined && (call.mapObject !== object || call.mapUid !== uid)) {
    analysis.invalid(
      "argument",
      `timer pointer in R1 map_uid=${call.mapUid} doesn't match map pointer in R2 map_uid=${uid}`,
    );
  }
  call.map = analysis.mapOf(object);
  call.mapObject = object;
  call.mapUid = uid;
}

function requireMap(walk: Walk, call: CallArguments): VerifierMap {
  return call.map ?? walk.analysis.notModelled(`${call.prototype.name} without a map`);
}

function checkFixedMemory(walk: Walk, call: CallArguments, register: number, argument: HelperArgument): void {
  if (argument.fixedSize === undefined) return;
  checkCallMemory(walk, register, argument.fixedSize, {
    write: argument.writes === true,
    zeroSizeAllowed: false,
    raw: argument.uninitialized ? call.raw : undefined,
  });
  if (argument.aligned) checkAlignment(walk.analysis, register, 0, argument.fixedSize, true);
}
