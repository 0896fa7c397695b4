import { EFAULT, MAX_ERRNO } from "../abi/index.js";
import { resolve, type TypeId } from "../btf/index.js";
import { type Analysis, KERNEL_TYPES, PROGRAM_TYPES } from "./analysis.js";
import { inRcuSection, setTypedPointer } from "./btf-access.js";
import { syncBounds } from "./domain/bounds.js";
import {
  AUX,
  clearRegister,
  ID,
  OBJECT,
  REF,
  registerAt,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  slotAt,
  TYPE,
} from "./domain/register.js";
import { giveDynptrBack } from "./dynptrs.js";
import { checkThrow } from "./exceptions.js";
import { clearCallerSaved, forgetRegisters, passMapElement } from "./frames.js";
import { fieldsBehind, giveObjectToGraph, inTreeCallback, setGraphNode, setNonOwning } from "./graph-objects.js";
import { pushAsyncCallback, pushCallback } from "./helper-callbacks.js";
import { forgetPacketPointers } from "./invalidate.js";
import { iteratorTrust, stepIterator } from "./iterators.js";
import { checkKfuncArguments, type KfuncCall, newKfuncCall } from "./kfunc-arguments.js";
import { isScalarType, isStructOfScalars } from "./kfunc-parameters.js";
import { kindText } from "./kind-text.js";
import { structFieldsOf } from "./map-fields.js";
import { pushPath } from "./pending.js";
import { ALLOCATED, MAYBE_NULL, MEM, PERCPU, RCU, READ_ONLY, sliceFlag, TRUSTED, UNTRUSTED } from "./pointer-types.js";
import { acquireReference, releaseReference } from "./references.js";
import { setPointer, setUnknownScalar, setZeroScalar } from "./registers.js";
import { BYTE_ITER, FP, type Frame } from "./state.js";
import type { Walk } from "./walk.js";

const MAX_PERCPU_SIZE = 512;
/** Bytes that the two halves of a session share; the program may write them. */
const SESSION_COOKIE_SIZE = 8;

const addsToGraph: ReadonlySet<string> = new Set([
  "bpf_list_push_front_impl",
  "bpf_list_push_back_impl",
  "bpf_rbtree_add_impl",
]);

/** A call of a kernel function. True where it ends the path. */
export function stepKfuncCall(walk: Walk): boolean {
  const analysis: Analysis = walk.analysis;
  const { slot } = analysis;
  // Number 0 stands for a function that the kernel lacks; whether the call is dead shows at the end.
  if (analysis.insns.imm[slot] === 0) {
    analysis.slot++;
    return false;
  }
  const kfunc = analysis.kfuncAt(slot) ?? analysis.notModelled("a kernel function that wasn't resolved");
  const { name, flags } = kfunc;
  if (!kfunc.allowed) analysis.deny("kfunc", `calling kernel function ${name} is not allowed`);
  if (name === "bpf_res_spin_lock" || name === "bpf_res_spin_lock_irqsave") pushFailedLock(walk);
  if (name === "__bpf_trap") {
    analysis.reject("kfunc", EFAULT, "unexpected __bpf_trap() due to uninitialized variable?");
  }
  if (flags.has("sleepable") && !analysis.state.sleepable) {
    analysis.deny("sleep", `program must be sleepable to call sleepable kfunc ${name}`);
  }
  const call = newKfuncCall(kfunc);
  checkKfuncArguments(walk, call);
  if (name === "bpf_session_cookie") call.resultSize = SESSION_COOKIE_SIZE;
  callBack(walk, call);
  enterOrLeaveSection(walk, call);
  giveBack(walk, call);
  if (name === "bpf_throw") {
    checkThrow(walk);
    clearCallerSaved(analysis, analysis.frame);
    return true;
  }
  const { frame } = analysis;
  clearCallerSaved(analysis, frame);
  setResult(walk, call);
  if (name === "bpf_xdp_pull_data") forgetPacketPointers(analysis);
  if (flags.has("iter_next") && call.iterator !== undefined) stepIterator(walk, call.iterator);
  analysis.touchRegister(0);
  analysis.slot = slot + 1;
  return false;
}

/** A lock that may deadlock may fail: the path on which it does. */
function pushFailedLock(walk: Walk): void {
  const { analysis } = walk;
  const { records } = pushPath(analysis, analysis.slot + 1, analysis.slot).frame;
  for (let register = 0; register <= 5; register++) clearRegister(records, registerAt(register));
  const at = registerAt(0);
  setUnknownScalar(analysis, records, at);
  records[at + SMIN] = -MAX_ERRNO;
  records[at + SMIN + 1] = -1;
  records[at + SMAX] = -1;
  records[at + SMAX + 1] = -1;
  records[at + S32_MIN] = -MAX_ERRNO;
  records[at + S32_MAX] = -1;
  syncBounds(records, at);
}

function callBack(walk: Walk, call: KfuncCall): void {
  const { analysis } = walk;
  switch (call.kfunc.name) {
    case "bpf_rbtree_add_impl":
      pushCallback(walk, call.subprogram, (_caller, callee) => {
        passNodes(walk, call, callee);
        forgetRegisters(callee, 3, 5);
        callee.callbackMin = 0;
        callee.callbackMax = 1;
      });
      return;
    case "bpf_wq_set_callback_impl":
      pushAsyncCallback(walk, call.subprogram, true, (caller, callee) => {
        passMapElement(callee, caller.records[registerAt(1) + OBJECT]!, 0, 1);
        callee.callbackMin = 0;
        callee.callbackMax = 0;
      });
      return;
    case "bpf_task_work_schedule_signal_impl":
    case "bpf_task_work_schedule_resume_impl":
      pushAsyncCallback(walk, call.subprogram, true, (caller, callee) => {
        passMapElement(callee, caller.records[registerAt(3) + OBJECT]!, 0, 1);
        callee.callbackMin = -0x80000000;
        callee.callbackMax = 0x7fffffff;
      });
      return;
    default:
  }
  if (call.kfunc.params.some(({ name }) => name === "callback" || name === "callback_fn")) {
    analysis.notModelled(`the callback of ${call.kfunc.name}`);
  }
}

/** The comparison of a tree's nodes gets two of them. */
function passNodes(walk: Walk, call: KfuncCall, callee: Frame): void {
  const analysis: Analysis = walk.analysis;
  if (call.graph === undefined) analysis.notModelled("a tree without its content");
  for (const register of [1, 2]) {
    const at = registerAt(register);
    setGraphNode(analysis, callee.records, at, call.graph);
    setNonOwning(analysis, callee.records, at);
  }
}

/** Sections in which the program must not sleep, or may use what RCU protects. */
function enterOrLeaveSection(walk: Walk, { kfunc }: KfuncCall): void {
  const analysis: Analysis = walk.analysis;
  const { state } = analysis;
  const { name, flags } = kfunc;
  const sleeps = flags.has("sleepable");
  const rcu = name === "bpf_rcu_read_lock" || name === "bpf_rcu_read_unlock";
  if (name === "bpf_rcu_read_lock") state.rcuLocks++;
  else if (name === "bpf_rcu_read_unlock") leaveRcuSection(walk, name);
  else if (sleeps && state.rcuLocks > 0) {
    analysis.deny("sleep", `kernel func ${name} is sleepable within rcu_read_lock region`);
  }
  if (rcu && inTreeCallback(analysis)) {
    analysis.deny("lock", "Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback");
  }
  if (name === "bpf_preempt_disable") state.preemptLocks++;
  else if (name === "bpf_preempt_enable") {
    if (state.preemptLocks === 0) {
      analysis.invalid("lock", `unmatched attempt to enable preemption (kernel function ${name})`);
    }
    state.preemptLocks--;
  } else if (sleeps && state.preemptLocks > 0) {
    analysis.deny("sleep", `kernel func ${name} is sleepable within non-preemptible region`);
  }
  if (sleeps && state.irqId !== 0) {
    analysis.deny("sleep", `kernel func ${name} is sleepable within IRQ-disabled region`);
  }
  if (flags.has("rcu_protected") && !inRcuSection(analysis)) {
    analysis.deny("sleep", `kernel func ${name} requires RCU critical section protection`);
  }
}

/** Behind the section, what RCU protected may be gone. */
function leaveRcuSection(walk: Walk, name: string): void {
  const analysis: Analysis = walk.analysis;
  const { state } = analysis;
  if (state.rcuLocks === 0) analysis.invalid("lock", `unmatched rcu read unlock (kernel function ${name})`);
  state.rcuLocks--;
  if (state.rcuLocks > 0) return;
  const distrust = (r: Int32Array, at: number) => {
    const type = r[at + TYPE]!;
    if ((type & RCU) !== 0) r[at + TYPE] = (type & ~(RCU | MAYBE_NULL)) | UNTRUSTED;
  };
  for (const frame of state.frames) {
    for (let register = 0; register <= FP; register++) distrust(frame.records, registerAt(register));
    for (let i = 0; i < frame.slots; i++) {
      if (frame.holdsSpill(i) || frame.byte(i, 7) === BYTE_ITER) distrust(frame.records, slotAt(i));
    }
  }
}

function giveBack(walk: Walk, call: KfuncCall): void {
  const analysis: Analysis = walk.analysis;
  const { kfunc } = call;
  if (call.releases !== 0) {
    if (call.dynptr !== undefined && call.dynptr.reference !== 0) giveDynptrBack(walk, call.releases);
    else if (!releaseReference(analysis, call.reference)) {
      const message = `kfunc ${kfunc.name}#${kfunc.typeId} reference has not been acquired before`;
      analysis.invalid("reference", message);
    }
  }
  if (!addsToGraph.has(kfunc.name)) return;
  giveObjectToGraph(analysis, analysis.frame.records[registerAt(2) + REF]!);
}

function setResult(walk: Walk, call: KfuncCall): void {
  const analysis: Analysis = walk.analysis;
  const { kfunc } = call;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const types = analysis.typesOf(KERNEL_TYPES);
  const type = types.type(resolve(types, kfunc.returns));
  if (isScalarType(type)) {
    setUnknownScalar(analysis, records, at);
    if (kfunc.name === "bpf_res_spin_lock" || kfunc.name === "bpf_res_spin_lock_irqsave") {
      setZeroScalar(analysis, records, at);
    }
    return;
  }
  if (type.kind !== "ptr") return;
  const pointee = resolve(types, type.type);
  if (!setSpecialResult(walk, call, types.name(pointee))) setPointerResult(walk, call, pointee);
  finishPointer(walk, call, types.name(pointee));
}

/** A pointer by its type: to nothing in particular, to memory, or to an object. */
function setPointerResult(walk: Walk, call: KfuncCall, pointee: TypeId): void {
  const analysis: Analysis = walk.analysis;
  const { kfunc } = call;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const types = analysis.typesOf(KERNEL_TYPES);
  const type = types.type(pointee);
  if (type.kind === "void") {
    setUnknownScalar(analysis, records, at);
    return;
  }
  if (type.kind === "struct" || type.kind === "union") {
    setTypedPointer(analysis, records, at, KERNEL_TYPES, pointee, trustOfResult(walk, call));
    return;
  }
  const size = call.resultSize || types.size(pointee);
  if (size === undefined || size === 0) {
    const label = `${kindText(type.kind)} ${types.name(pointee)}`;
    analysis.invalid("kfunc", `kernel function ${kfunc.name} returns pointer type ${label} is not supported`);
  }
  const readOnly = call.resultSize === 0 || call.resultReadOnly;
  setPointer(records, at, MEM | (readOnly ? READ_ONLY : 0) | (kfunc.flags.has("rcu_protected") ? RCU : 0));
  records[at + AUX] = size;
  records[at + REF] = call.reference;
}

function trustOfResult(walk: Walk, call: KfuncCall): number {
  if (call.kfunc.name === "bpf_get_kmem_cache") return UNTRUSTED;
  if (call.kfunc.flags.has("rcu_protected")) return RCU;
  const place = call.kfunc.flags.has("iter_next") ? call.iterator : undefined;
  return place !== undefined && iteratorTrust(walk, place) !== 0 ? RCU : TRUSTED;
}

/** Functions whose result is not what its type says. */
function setSpecialResult(walk: Walk, call: KfuncCall, pointee: string): boolean {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(0);
  switch (call.kfunc.name) {
    case "bpf_obj_new_impl":
    case "bpf_percpu_obj_new_impl":
      setNewObject(walk, call);
      return true;
    case "bpf_refcount_acquire_impl":
      setTypedPointer(analysis, records, at, call.object, call.objectType, ALLOCATED);
      return true;
    case "bpf_cast_to_kern_ctx":
      setTypedPointer(analysis, records, at, KERNEL_TYPES, kernelContext(analysis), TRUSTED);
      return true;
    case "bpf_rdonly_cast":
      setCast(walk, call);
      return true;
    case "bpf_dynptr_slice":
    case "bpf_dynptr_slice_rdwr":
      setSlice(walk, call);
      return true;
    default:
  }
  if (pointee !== "bpf_list_node" && pointee !== "bpf_rb_node") return false;
  if (call.graph === undefined) return analysis.notModelled(`${call.kfunc.name} without a list or tree`);
  setGraphNode(analysis, records, at, call.graph);
  return true;
}

/** bpf_obj_new(): an object of one of the program's types. */
function setNewObject(walk: Walk, call: KfuncCall): void {
  const analysis: Analysis = walk.analysis;
  const { btf } = analysis;
  const perCpu = call.kfunc.name === "bpf_percpu_obj_new_impl";
  const typeId = call.constant?.lo ?? 0;
  if (call.constant?.hi !== 0) {
    analysis.invalid("kfunc", "local type ID argument must be in range [0, U32_MAX]");
  }
  if (btf === undefined) analysis.invalid("kfunc", "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
  const type = typeId > 0 && typeId < btf.length ? btf.type(typeId) : undefined;
  if (type?.kind !== "struct") {
    analysis.invalid("kfunc", "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
  }
  if (perCpu) {
    if (type.size > MAX_PERCPU_SIZE) {
      analysis.invalid("kfunc", `bpf_percpu_obj_new type size (${type.size}) is greater than ${MAX_PERCPU_SIZE}`);
    }
    if (!isStructOfScalars(analysis, btf, typeId, 0)) {
      analysis.invalid("kfunc", "bpf_percpu_obj_new type ID argument must be of a struct of scalars");
    }
    if (structFieldsOf(btf, typeId).length > 0) {
      analysis.invalid("kfunc", "bpf_percpu_obj_new type ID argument must not contain special fields");
    }
  }
  const flags = ALLOCATED | (perCpu ? PERCPU : 0);
  setTypedPointer(analysis, analysis.frame.records, registerAt(0), PROGRAM_TYPES, typeId, flags);
}

/** The kernel's own struct behind a program's context. */
function kernelContext(analysis: Analysis): TypeId {
  const types = analysis.typesOf(KERNEL_TYPES);
  const [id] = types.find("bpf_ctx_convert", "struct");
  const table = id === undefined ? undefined : types.type(id);
  const name = `BPF_PROG_TYPE_${analysis.type.toUpperCase()}_kern`;
  const member = table?.kind === "struct" ? table.members.find((candidate) => candidate.name === name) : undefined;
  return member === undefined ? analysis.notModelled("the kernel's form of the context") : resolve(types, member.type);
}

/** bpf_rdonly_cast(): any address as an object that may be read, with care. */
function setCast(walk: Walk, call: KfuncCall): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const types = analysis.typesOf(KERNEL_TYPES);
  const typeId = call.constant?.lo ?? 0;
  if (typeId < 0 || typeId >= types.length) {
    analysis.invalid("kfunc", `Unknown type ID ${typeId} passed to kfunc bpf_rdonly_cast`);
  }
  const { kind } = types.type(typeId);
  if (kind === "struct" || kind === "union") {
    setTypedPointer(analysis, records, at, KERNEL_TYPES, typeId, UNTRUSTED);
  } else if (kind === "void") setPointer(records, at, MEM | READ_ONLY | UNTRUSTED);
  else analysis.invalid("kfunc", "kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
}

function setSlice(walk: Walk, call: KfuncCall): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const { dynptr, kfunc } = call;
  if (dynptr === undefined) analysis.notModelled("a slice of no dynptr");
  const readOnly = kfunc.name === "bpf_dynptr_slice";
  if (!readOnly && analysis.rules.packet !== "read_write") {
    analysis.invalid("kfunc", "the prog does not allow writes to packet data");
  }
  setPointer(records, at, MEM | sliceFlag(dynptr.number) | (readOnly ? READ_ONLY : 0));
  records[at + AUX] = call.constant?.lo ?? 0;
  records[at + OBJECT] = dynptr.id;
}

/** What a returned pointer stands for. */
function finishPointer(walk: Walk, call: KfuncCall, pointee: string): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(0);
  const nullable = call.kfunc.flags.has("ret_null") && !(call.owned && call.kfunc.name === "bpf_refcount_acquire_impl");
  if (nullable) {
    records[at + TYPE] = records[at + TYPE]! | MAYBE_NULL;
    records[at + ID] = analysis.freshId();
  }
  if (call.kfunc.flags.has("acquire")) {
    const id = acquireReference(analysis);
    if (nullable) records[at + ID] = id;
    records[at + REF] = id;
  } else if (pointee === "bpf_list_node" || pointee === "bpf_rb_node") {
    setNonOwning(analysis, records, at);
  }
  const fields = fieldsBehind(analysis, records, at);
  const lockable = fields.some(({ kind }) => kind === "spin_lock" || kind === "res_spin_lock");
  if (lockable && records[at + ID] === 0) records[at + ID] = analysis.freshId();
}
