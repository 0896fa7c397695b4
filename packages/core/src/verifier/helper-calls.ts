import {
  ENOTSUPP,
  HELPER_TAIL_CALL,
  type HelperPrototype,
  helperMapRules,
  helperName,
  MAX_ERRNO,
  mapHelperRules,
  mapTypeName,
  programTypeId,
} from "../abi/index.js";
import { resolve } from "../btf/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import { setTypedPointer } from "./btf-access.js";
import { type CallArguments, newCallArguments } from "./call-arguments.js";
import {
  HELPER_FIND_VMA,
  HELPER_FOR_EACH_MAP_ELEM,
  HELPER_LOOP,
  HELPER_TIMER_SET_CALLBACK,
  HELPER_USER_RINGBUF_DRAIN,
} from "./callbacks.js";
import { syncBounds } from "./domain/bounds.js";
import {
  AUX,
  ID,
  isConstant,
  MAP_UID,
  OBJECT,
  REF,
  registerAt,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  TYPE,
  U32_MAX,
  U32_MIN,
  UMAX,
  UMIN,
  VALUE,
} from "./domain/register.js";
import { describeDynptr, dynptrNumber, giveDynptrBack } from "./dynptrs.js";
import { returnToCaller } from "./exit.js";
import { checkPrintCall } from "./format-string.js";
import { clearCallerSaved } from "./frames.js";
import { checkArgument } from "./helper-arguments.js";
import { callFindVma, callForEach, callLoop, callRingbufDrain, callTimerCallback } from "./helper-callbacks.js";
import { forgetPacketPointers } from "./invalidate.js";
import { giveObjectToMap, setExchangedObject } from "./kernel-pointers.js";
import { findField } from "./map-fields.js";
import { isReadOnlyToPrograms } from "./map-values.js";
import { accessMemory } from "./memory.js";
import { pushPath } from "./pending.js";
import {
  ALLOCATED,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  RCU,
  READ_ONLY,
  RINGBUF_MEM,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  TRUSTED,
  typeName,
} from "./pointer-types.js";
import { acquireReference, checkLeaks, releaseReference } from "./references.js";
import { isNull, setPointer, setUnknownScalar } from "./registers.js";
import { kernelStruct } from "./struct-walk.js";
import type { Walk } from "./walk.js";

const LAST_HELPER = 211;

const acquiring: ReadonlySet<string> = new Set([
  "sk_lookup_tcp",
  "sk_lookup_udp",
  "skc_lookup_tcp",
  "ringbuf_reserve",
  "kptr_xchg",
]);
/** Casts: the result stands for the argument's reference. */
const casting: ReadonlySet<string> = new Set([
  "tcp_sock",
  "sk_fullsock",
  "skc_to_tcp_sock",
  "skc_to_tcp6_sock",
  "skc_to_udp6_sock",
  "skc_to_mptcp_sock",
  "skc_to_tcp_timewait_sock",
  "skc_to_tcp_request_sock",
]);
const writesMap: ReadonlySet<string> = new Set(["map_update_elem", "map_delete_elem", "map_push_elem", "map_pop_elem"]);
/** The result is a length of at most the size passed, or an error. */
const lengthResults: ReadonlySet<string> = new Set([
  "get_stack",
  "get_task_stack",
  "probe_read_str",
  "probe_read_kernel_str",
  "probe_read_user_str",
]);
/** Program types that may change the sockets in a map by the general helpers. */
const updatesSockMaps: ReadonlySet<string> = new Set([
  "socket_filter",
  "sched_cls",
  "sched_act",
  "xdp",
  "sk_reuseport",
  "flow_dissector",
  "sk_lookup",
]);

function fullName(id: number): string {
  // Number 0 is taken, so that no helper has it.
  return id === 0 ? "bpf_unspec" : (helperName(id) ?? "unknown");
}

/** A call of a helper: its arguments, what it does to them, and its result. */
export function stepHelperCall(walk: Walk): void {
  const analysis: Analysis = walk.analysis;
  const { insns, slot } = analysis;
  const id = insns.imm[slot]!;
  const prototype = requireHelper(walk, id);
  const call = newCallArguments(prototype);
  prototype.args.forEach((_, index) => {
    checkArgument(walk, call, index);
  });
  checkMapWrites(walk, call);
  if (id === HELPER_TAIL_CALL) noteTailCallIndex(walk, call);
  fillRawMemory(walk, call);
  releaseArgument(walk, id, call);
  runSpecial(walk, id, call);
  const { frame } = analysis;
  clearCallerSaved(analysis, frame);
  setResult(walk, call);
  checkMapType(walk, id, call);
  if (call.prototype.name === "get_func_ip") checkFunctionAddress(analysis, id);
  finishCall(walk, id, call);
}

function requireHelper(walk: Walk, id: number): HelperPrototype {
  const analysis: Analysis = walk.analysis;
  const label = `${fullName(id)}#${id}`;
  if (id < 0 || id > LAST_HELPER) analysis.invalid("helper", `invalid func ${label}`);
  const helper = analysis.helpers.get(id);
  if (helper === undefined) analysis.invalid("helper", `program of this type cannot use helper ${label}`);
  const { prototype } = helper;
  if (prototype.gplOnly && !analysis.gpl) {
    analysis.invalid("permission", "cannot call GPL-restricted function from non-GPL compatible program");
  }
  if (prototype.mightSleep) {
    const { state } = analysis;
    if (!state.sleepable) analysis.invalid("sleep", "helper call might sleep in a non-sleepable prog");
    if (state.rcuLocks > 0) analysis.invalid("sleep", `sleepable helper ${label} in rcu_read_lock region`);
    if (state.preemptLocks > 0) analysis.invalid("sleep", `sleepable helper ${label} in non-preemptible region`);
    if (state.irqId !== 0) analysis.invalid("sleep", `sleepable helper ${label} in IRQ-disabled region`);
  }
  return prototype;
}

function checkMapWrites(walk: Walk, call: CallArguments): void {
  if (call.map === undefined || !writesMap.has(call.prototype.name)) return;
  if (isReadOnlyToPrograms(call.map)) walk.analysis.deny("map_access", "write into map forbidden");
}

/** A tail call to a known index is made a jump, which relies on the index. */
function noteTailCallIndex(walk: Walk, call: CallArguments): void {
  const analysis: Analysis = walk.analysis;
  if (call.map === undefined || mapTypeName(call.map.type) !== "prog_array") {
    analysis.invalid("map", "expected prog array map for tail call");
  }
  const before = analysis.tailCallMaps.get(analysis.slot);
  analysis.tailCallMaps.set(analysis.slot, before === undefined || before === call.map ? call.map : "several");
  const { records } = analysis.frame;
  const at = registerAt(3);
  const known = records[at + TYPE] === 1 && isConstant(records, at) && records[at + VALUE + 1] === 0;
  if (known && records[at + VALUE]! >>> 0 < call.map.maxEntries) walk.precision.mark(3);
}

/** Stack memory that the call fills holds data from here on. */
function fillRawMemory(walk: Walk, call: CallArguments): void {
  const { register, size } = call.raw;
  for (let i = 0; i < size; i++) {
    accessMemory(walk, { register, offset: i, size: 1, write: true, value: -1 });
  }
}

function releaseArgument(walk: Walk, id: number, call: CallArguments): void {
  if (call.releases === 0) return;
  const analysis: Analysis = walk.analysis;
  if (call.prototype.args[call.releases - 1]?.kind === "dynptr") {
    giveDynptrBack(walk, call.releases);
    return;
  }
  const release = call.prototype.name === "kptr_xchg" ? giveObjectToMap : releaseReference;
  const released =
    call.reference !== 0
      ? release(analysis, call.reference)
      : isNull(analysis.frame.records, registerAt(call.releases));
  if (!released) {
    analysis.invalid("reference", `func ${fullName(id)}#${id} reference has not been acquired before`);
  }
}

function runSpecial(walk: Walk, id: number, call: CallArguments): void {
  const analysis: Analysis = walk.analysis;
  switch (id) {
    case HELPER_TAIL_CALL:
      checkLeaks(analysis, "tail_call", true, false);
      return;
    case HELPER_LOOP:
      callLoop(walk, call);
      return;
    case HELPER_FOR_EACH_MAP_ELEM:
      callForEach(walk, call);
      return;
    case HELPER_TIMER_SET_CALLBACK:
      callTimerCallback(walk, call);
      return;
    case HELPER_FIND_VMA:
      callFindVma(walk, call);
      return;
    case HELPER_USER_RINGBUF_DRAIN:
      callRingbufDrain(walk, call);
      return;
    default:
  }
  if (call.prototype.name === "get_local_storage" && !isNull(analysis.frame.records, registerAt(2))) {
    analysis.invalid("argument", "get_local_storage() doesn't support non-zero flags");
  }
  if (call.prototype.name === "snprintf") checkPrintCall(walk, call.format);
  noteDynptr(walk, call);
}

/** Helpers on dynptrs: what they are made of, what a piece of them stands for, and when they move packets. */
function noteDynptr(walk: Walk, call: CallArguments): void {
  const { analysis } = walk;
  const { args, name } = call.prototype;
  if (name === "dynptr_from_mem") {
    const type = analysis.frame.records[registerAt(1) + TYPE]!;
    if (type === MAP_VALUE) return;
    analysis.invalid("argument", `Unsupported reg type ${typeName(type)} for bpf_dynptr_from_mem data`);
  }
  if (name !== "dynptr_data" && name !== "dynptr_write") return;
  const register = args.findIndex((argument) => argument.kind === "dynptr") + 1;
  const dynptr = describeDynptr(walk, register);
  if (name === "dynptr_data") call.dynptr = dynptr;
  else if (dynptr.number === dynptrNumber("skb") || dynptr.number === dynptrNumber("skb_meta")) {
    call.changesPacket = true;
  }
}

function setResult(walk: Walk, call: CallArguments): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const { returns } = call.prototype;
  const flags = (returns.nullable ? MAYBE_NULL : 0) | (returns.readOnly ? READ_ONLY : 0);
  switch (returns.kind) {
    case "integer":
      setUnknownScalar(analysis, records, at);
      refineResult(walk, call);
      return;
    case "void":
      return;
    case "map_value":
      setMapValue(walk, call, flags);
      break;
    case "socket":
      setPointer(records, at, SOCKET | flags);
      break;
    case "sock_common":
      setPointer(records, at, SOCK_COMMON | flags);
      break;
    case "tcp_sock":
      setPointer(records, at, TCP_SOCK | flags);
      break;
    case "mem":
    case "ringbuf_mem":
    case "dynptr_mem":
      setPointer(records, at, MEM | flags | (returns.kind === "ringbuf_mem" ? RINGBUF_MEM : 0));
      records[at + AUX] = call.allocated;
      if (call.dynptr !== undefined) {
        records[at + OBJECT] = call.dynptr.id;
        records[at + REF] = call.dynptr.reference;
      }
      break;
    case "btf_id":
      setTypedResult(walk, call, flags);
      break;
    case "mem_or_btf_id":
      setPerCpuResult(walk, call, flags);
      break;
    default:
      analysis.notModelled(`what bpf_${call.prototype.name} returns`);
  }
  if ((records[at + TYPE]! & MAYBE_NULL) !== 0 && records[at + ID] === 0) records[at + ID] = analysis.freshId();
  linkReference(walk, call);
}

function setTypedResult(walk: Walk, call: CallArguments, flags: number): void {
  const analysis: Analysis = walk.analysis;
  const { returns, name } = call.prototype;
  if (call.pointerField !== undefined) {
    setExchangedObject(analysis, call.pointerField);
    return;
  }
  if (returns.struct === undefined) analysis.notModelled(`the kernel object that bpf_${name} returns`);
  const type = flags | (returns.trusted ? TRUSTED : 0);
  const at = registerAt(0);
  setTypedPointer(analysis, analysis.frame.records, at, KERNEL_TYPES, kernelStruct(analysis, returns.struct), type);
}

/** bpf_per_cpu_ptr and bpf_this_cpu_ptr: one CPU's instance of a variable. */
function setPerCpuResult(walk: Walk, call: CallArguments, flags: number): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const types = analysis.typesOf(call.perCpuObject);
  const typeId = resolve(types, call.perCpuType);
  const { kind } = types.type(typeId);
  const at = registerAt(0);
  if (kind === "struct" || kind === "union") {
    const type = call.perCpuAllocated ? ALLOCATED | RCU : flags & ~READ_ONLY;
    setTypedPointer(analysis, records, at, call.perCpuObject, call.perCpuType, type);
    return;
  }
  const size = types.size(typeId);
  if (size === undefined) {
    const name = types.name(typeId);
    analysis.invalid("argument", `unable to resolve the size of type '${name}': -22`);
  }
  setPointer(records, at, MEM | flags);
  records[at + AUX] = size;
}

function setMapValue(walk: Walk, call: CallArguments, flags: number): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const map = call.map ?? analysis.notModelled(`${call.prototype.name} without a map`);
  const inArray =
    call.prototype.name === "map_lookup_elem" && call.constantKey >= 0 && call.constantKey < map.maxEntries;
  const type = MAP_VALUE | (inArray ? flags & ~MAYBE_NULL : flags);
  setPointer(records, at, type);
  records[at + OBJECT] = call.mapObject;
  records[at + MAP_UID] = call.mapUid;
  const locks = findField(analysis, map, "spin_lock") ?? findField(analysis, map, "res_spin_lock");
  if ((type & MAYBE_NULL) === 0 && locks !== undefined) records[at + ID] = analysis.freshId();
}

function linkReference(walk: Walk, call: CallArguments): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const { name } = call.prototype;
  if (casting.has(name)) {
    records[at + REF] = call.reference;
    return;
  }
  const mapType = call.map === undefined ? undefined : mapTypeName(call.map.type);
  const finds = name === "map_lookup_elem" && (mapType === "sockmap" || mapType === "sockhash");
  if (!acquiring.has(name) && !finds) return;
  const id = acquireReference(analysis);
  records[at + ID] = id;
  records[at + REF] = id;
}

function refineResult(walk: Walk, call: CallArguments): void {
  const { records } = walk.analysis.frame;
  const at = registerAt(0);
  const { name } = call.prototype;
  if (lengthResults.has(name)) {
    records[at + SMAX] = call.sizeLimit;
    records[at + SMAX + 1] = 0;
    records[at + S32_MAX] = call.sizeLimit;
    records[at + SMIN] = -MAX_ERRNO;
    records[at + SMIN + 1] = -1;
    records[at + S32_MIN] = -MAX_ERRNO;
    syncBounds(records, at);
  } else if (name === "get_smp_processor_id") {
    const most = (walk.analysis.options.cpus ?? 2) - 1;
    for (const bound of [SMAX, UMAX]) {
      records[at + bound] = most;
      records[at + bound + 1] = 0;
    }
    for (const bound of [SMIN, UMIN]) {
      records[at + bound] = 0;
      records[at + bound + 1] = 0;
    }
    records[at + S32_MAX] = most;
    records[at + U32_MAX] = most;
    records[at + S32_MIN] = 0;
    records[at + U32_MIN] = 0;
    syncBounds(records, at);
  }
}

/** Some maps are for some helpers only, and some helpers for some maps. */
function checkMapType(walk: Walk, id: number, call: CallArguments): void {
  if (call.map === undefined) return;
  const analysis: Analysis = walk.analysis;
  const { name } = call.prototype;
  const type = mapTypeName(call.map.type);
  const byMap = mapHelperRules.find((rule) => rule.map === type);
  const byHelper = helperMapRules.find((rule) => rule.helper === name);
  const isSockMap = type === "sockmap" || type === "sockhash";
  const updates = name === "map_update_elem" || name === "map_delete_elem";
  let fine = byMap === undefined || byMap.helpers.includes(name);
  if (!fine && isSockMap && updates) {
    fine =
      updatesSockMaps.has(analysis.type) ||
      (analysis.type === "tracing" && analysis.attachType === "trace_iter") ||
      (analysis.type === "sock_ops" && name === "map_delete_elem");
    if (!fine) analysis.log.write("cannot update sockmap in this context\n");
  }
  if (fine && (byHelper === undefined || (type !== undefined && byHelper.maps.includes(type)))) return;
  analysis.invalid("map", `cannot pass map_type ${call.map.type} into func ${fullName(id)}#${id}`);
}

/** Only programs that run at a function know one. */
function checkFunctionAddress(analysis: Analysis, id: number): void {
  if (analysis.type === "kprobe") return;
  const label = `func ${fullName(id)}#${id}`;
  if (analysis.type !== "tracing") {
    analysis.reject("helper", ENOTSUPP, `${label} not supported for program type ${programTypeId(analysis.type)}`);
  }
  const { attachType } = analysis;
  if (attachType === "trace_fentry" || attachType === "trace_fexit" || attachType === "modify_return") return;
  analysis.reject("helper", ENOTSUPP, `${label} supported only for fentry/fexit/fmod_ret programs`);
}

function finishCall(walk: Walk, id: number, call: CallArguments): void {
  const analysis: Analysis = walk.analysis;
  let changesPacket = call.prototype.changesPacket === true || call.changesPacket;
  analysis.slot++;
  if (id === HELPER_TAIL_CALL) {
    if (analysis.state.frames.length > 1) {
      // Both ends: the call fails and the function goes on, or another program ran and the function is left.
      analysis.touchRegister(0);
      analysis.slot--;
      pushPath(analysis, analysis.slot + 1, analysis.slot);
      forgetPacketPointers(analysis);
      setUnknownScalar(analysis, analysis.frame.records, registerAt(0));
      returnToCaller(walk);
    } else changesPacket = false;
  }
  if (changesPacket) forgetPacketPointers(analysis);
  analysis.touchRegister(0);
}
