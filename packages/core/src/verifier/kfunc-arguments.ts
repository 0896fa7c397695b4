import type { DynptrKind } from "../abi/index.js";
import { resolve, type TypeId } from "../btf/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import { checkArgumentOffset } from "./argument-offset.js";
import type { KnownDynptr } from "./call-arguments.js";
import type { KernelFunction } from "./called-kernel-function.js";
import { checkConstantString } from "./constant-string.js";
import { AUX, isConstant, MAP_UID, OBJECT, OFF, REF, registerAt, slotAt, TYPE, VALUE } from "./domain/register.js";
import { describeDynptr, dynptrNumber, makeDynptr, requireDynptrPointer, useDynptr } from "./dynptrs.js";
import { checkGraphNode, fieldsBehind, findGraphRoot, type GraphRoot } from "./graph-objects.js";
import { restoreIrqFlag, saveIrqFlag } from "./irq-flags.js";
import { destroyIterator, type IteratorPlace, makeIterator, useIterator } from "./iterators.js";
import {
  isIterator,
  isScalarType,
  isSizeOf,
  type KfuncArgumentKind,
  kindOfPointer,
  type Pointee,
  pointeeOf,
  structOfKind,
} from "./kfunc-parameters.js";
import { kindText } from "./kind-text.js";
import { checkMemoryOrNull, checkSizedMemoryOrNull } from "./memory-arguments.js";
import { isTrusted } from "./nullness.js";
import {
  ALLOCATED,
  BTF_ID,
  CTX,
  DYNPTR,
  FUNC,
  KIND,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  NON_OWNING,
  PERCPU,
  RCU,
  SCALAR,
  STACK,
  TRUSTED,
  typeName,
} from "./pointer-types.js";
import { isNull } from "./registers.js";
import { lockOrUnlock } from "./spin-locks.js";
import { isOfType, kernelStruct } from "./struct-walk.js";
import { checkMapField, type NotedMap } from "./timers.js";
import type { Walk } from "./walk.js";

/** What the arguments of one call of a kernel function turned out to be. */
export interface KfuncCall extends NotedMap {
  readonly kfunc: KernelFunction;
  /** Register of the object that is given back. */
  releases: number;
  reference: number;
  constant: { readonly lo: number; readonly hi: number } | undefined;
  /** Bytes behind the pointer that is returned, where an argument says so. */
  resultSize: number;
  resultReadOnly: boolean;
  subprogram: number;
  dynptr: KnownDynptr | undefined;
  iterator: IteratorPlace | undefined;
  graph: GraphRoot | undefined;
  /** Type of an allocated object that was passed. */
  object: number;
  objectType: TypeId;
  /** The object is the program's own, not one of a list or tree. */
  owned: boolean;
}

export function newKfuncCall(kfunc: KernelFunction): KfuncCall {
  return {
    kfunc,
    map: undefined,
    mapObject: 0,
    mapUid: 0,
    releases: 0,
    reference: 0,
    constant: undefined,
    resultSize: 0,
    resultReadOnly: false,
    subprogram: 0,
    dynptr: undefined,
    iterator: undefined,
    graph: undefined,
    object: 0,
    objectType: 0,
    owned: false,
  };
}

const MAX_ARGUMENTS = 5;

/** Checks what the program passes to a kernel function. */
export function checkKfuncArguments(walk: Walk, call: KfuncCall): void {
  const analysis: Analysis = walk.analysis;
  const { kfunc } = call;
  if (kfunc.params.length > MAX_ARGUMENTS) {
    analysis.invalid("kfunc", `Function ${kfunc.name} has ${kfunc.params.length} > ${MAX_ARGUMENTS} args`);
  }
  for (let index = 0; index < kfunc.params.length; index++) {
    if (checkOne(walk, call, index) === "sized_memory") index++;
  }
  if (kfunc.flags.has("release") && call.releases === 0) {
    analysis.invalid("kfunc", `release kernel function ${kfunc.name} expects refcounted PTR_TO_BTF_ID`);
  }
}

function checkOne(walk: Walk, call: KfuncCall, index: number): KfuncArgumentKind {
  const analysis: Analysis = walk.analysis;
  const types = analysis.typesOf(KERNEL_TYPES);
  const parameter = call.kfunc.params[index]!;
  const type = types.type(resolve(types, parameter.type));
  if (parameter.name.endsWith("__ign") || parameter.name.endsWith("__prog")) return "ignored";
  if (isScalarType(type)) {
    checkScalar(walk, call, index, parameter.name);
    return "scalar";
  }
  if (type.kind !== "ptr") {
    return analysis.invalid("kfunc", `Unrecognized arg#${index} type ${kindText(type.kind)}`);
  }
  requireNotNull(analysis, call.kfunc, index, parameter.name);
  noteReference(analysis, call, index);
  const pointee = pointeeOf(types, type.type);
  const kind = kindOfPointer(analysis, call.kfunc, index, pointee);
  if (kind === "null") return kind;
  if (kind === "map") noteMap(walk, call, index);
  if (kind === "map" || kind === "allocated" || kind === "object") requireTrust(analysis, call.kfunc, index);
  const at = registerAt(index + 1);
  const releases = call.kfunc.flags.has("release") && analysis.frame.records[at + REF] !== 0;
  checkArgumentOffset(walk, index + 1, releases, false);
  checkByKind(walk, call, index, kind, pointee);
  return kind;
}

function checkScalar(walk: Walk, call: KfuncCall, index: number, name: string): void {
  const { analysis } = walk;
  const register = index + 1;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (records[at + TYPE] !== SCALAR) {
    analysis.invalid("kfunc", `R${register} is not a scalar`);
  }
  if (name.endsWith("__k")) {
    if (!isConstant(records, at)) analysis.invalid("kfunc", `R${register} must be a known constant`);
    walk.precision.mark(register);
    call.constant = { lo: records[at + VALUE]!, hi: records[at + VALUE + 1]! };
    return;
  }
  if (name !== "rdonly_buf_size" && name !== "rdwr_buf_size") return;
  if (!isConstant(records, at)) analysis.invalid("kfunc", `R${register} is not a const`);
  call.resultSize = records[at + VALUE]!;
  call.resultReadOnly = name === "rdonly_buf_size";
  walk.precision.mark(register);
}

function requireNotNull(analysis: Analysis, { flags }: KernelFunction, index: number, name: string): void {
  if (!flags.has("trusted_args") && !flags.has("release") && !flags.has("rcu")) return;
  const { records } = analysis.frame;
  const at = registerAt(index + 1);
  if (name.endsWith("__nullable")) return;
  if (isNull(records, at) || (records[at + TYPE]! & MAYBE_NULL) !== 0) {
    analysis.deny("kfunc", `Possibly NULL pointer passed to trusted arg${index}`);
  }
}

function noteReference(analysis: Analysis, call: KfuncCall, index: number): void {
  const reference = analysis.frame.records[registerAt(index + 1) + REF]!;
  if (reference === 0) return;
  call.reference = reference;
  if (call.kfunc.flags.has("release")) call.releases = index + 1;
}

function noteMap(walk: Walk, call: KfuncCall, index: number): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(index + 1);
  if (records[at + TYPE] !== MAP_PTR) {
    analysis.invalid("kfunc", `pointer in R${index + 1} isn't map pointer`);
  }
  const object = records[at + OBJECT]!;
  const uid = records[at + MAP_UID]!;
  if (call.map !== undefined && (call.mapObject !== object || call.mapUid !== uid)) {
    const [what, first, second] = call.kfunc.name === "bpf_wq_init" ? ["workqueue", 1, 2] : ["bpf_task_work", 2, 3];
    analysis.invalid(
      "kfunc",
      `${what} pointer in R${first} map_uid=${call.mapUid} doesn't match map pointer in R${second} map_uid=${uid}`,
    );
  }
  call.map = analysis.mapOf(object);
  call.mapObject = object;
  call.mapUid = uid;
}

function requireTrust(analysis: Analysis, { flags }: KernelFunction, index: number): void {
  const rcu = flags.has("rcu");
  if (!flags.has("trusted_args") && !flags.has("release") && !rcu) return;
  const { records } = analysis.frame;
  const at = registerAt(index + 1);
  if (isTrusted(records, at)) return;
  if (!rcu) analysis.invalid("kfunc", `R${index + 1} must be referenced or trusted`);
  if ((records[at + TYPE]! & RCU) === 0) analysis.invalid("kfunc", `R${index + 1} must be a rcu pointer`);
}

function checkByKind(walk: Walk, call: KfuncCall, index: number, kind: KfuncArgumentKind, pointee: Pointee): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const register = index + 1;
  const type = records[registerAt(register) + TYPE]!;
  switch (kind) {
    case "ctx":
      if (type !== CTX) {
        analysis.invalid("kfunc", `arg#${index} expected pointer to ctx, but got ${typeName(type)}`);
      }
      return;
    case "allocated":
      checkAllocated(analysis, call, index, type);
      return;
    case "dynptr":
      checkDynptr(walk, call, index);
      return;
    case "iterator":
      checkIterator(walk, call, index, pointee.typeId);
      return;
    case "list_head":
    case "rb_root":
      call.graph = findGraphRoot(walk, register, kind);
      return;
    case "list_node":
    case "rb_node":
      checkNode(walk, call, register, kind);
      return;
    case "map":
      checkObject(walk, call, index, pointeeOf(analysis.typesOf(KERNEL_TYPES), kernelStruct(analysis, "bpf_map")));
      return;
    case "object":
      checkObject(walk, call, index, pointee);
      return;
    case "memory":
      checkMemory(walk, index, pointee);
      return;
    case "sized_memory":
      checkSized(walk, call, index);
      return;
    case "callback":
      if (type !== FUNC) analysis.invalid("kfunc", `arg${index} expected pointer to func`);
      call.subprogram = records[registerAt(register) + AUX]!;
      return;
    case "refcounted":
      checkRefcounted(analysis, call, index, type);
      return;
    case "string":
      if (type !== MAP_VALUE) analysis.invalid("kfunc", `arg#${index} doesn't point to a const string`);
      checkConstantString(walk, register);
      return;
    case "workqueue":
    case "timer":
    case "task_work":
      if (type !== MAP_VALUE) analysis.invalid("kfunc", `arg#${index} doesn't point to a map value`);
      checkMapField(walk, call, register, kind, pointee.name);
      return;
    case "irq_flag":
      if (type !== STACK) analysis.invalid("kfunc", `arg#${index} doesn't point to an irq flag on stack`);
      checkIrqFlag(walk, call, register);
      return;
    case "res_spin_lock":
      checkResilientLock(walk, call, index, type);
      return;
    default:
  }
}

function checkAllocated(analysis: Analysis, call: KfuncCall, index: number, type: number): void {
  const { name } = call.kfunc;
  const { records } = analysis.frame;
  const at = registerAt(index + 1);
  if (type === (BTF_ID | ALLOCATED)) {
    if (name !== "bpf_obj_drop_impl") analysis.invalid("kfunc", `arg#${index} expected for bpf_obj_drop_impl()`);
  } else if (type === (BTF_ID | ALLOCATED | PERCPU)) {
    if (name !== "bpf_percpu_obj_drop_impl") {
      analysis.invalid("kfunc", `arg#${index} expected for bpf_percpu_obj_drop_impl()`);
    }
  } else analysis.invalid("kfunc", `arg#${index} expected pointer to allocated object`);
  if (records[at + REF] === 0) analysis.invalid("kfunc", "allocated object must be referenced");
  call.object = records[at + OBJECT]!;
  call.objectType = records[at + AUX]!;
}

const dynptrSources: Readonly<Record<string, DynptrKind>> = {
  bpf_dynptr_from_skb: "skb",
  bpf_dynptr_from_xdp: "xdp",
  bpf_dynptr_from_skb_meta: "skb_meta",
  bpf_dynptr_from_file: "file",
};

function checkDynptr(walk: Walk, call: KfuncCall, index: number): void {
  const { analysis } = walk;
  const { kfunc } = call;
  const register = index + 1;
  requireDynptrPointer(walk, register);
  if (kfunc.params[index]!.name.endsWith("__uninit")) {
    const cloned = kfunc.name === "bpf_dynptr_clone" ? call.dynptr : undefined;
    const source = cloned?.number ?? dynptrNumber(dynptrSources[kfunc.name]);
    makeDynptr(walk, register, source, cloned?.reference ?? 0);
    return;
  }
  const fromKernel = analysis.frame.records[registerAt(register) + TYPE] === DYNPTR;
  useDynptr(walk, register, 0, fromKernel);
  call.dynptr = describeDynptr(walk, register);
}

function checkIterator(walk: Walk, call: KfuncCall, index: number, typeId: TypeId): void {
  const analysis: Analysis = walk.analysis;
  const { kfunc } = call;
  const register = index + 1;
  if (kfunc.name === "bpf_iter_css_task_new" && !mayIterateTasks(analysis)) {
    analysis.invalid("kfunc", "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs");
  }
  if (analysis.frame.records[registerAt(register) + TYPE] !== STACK) {
    analysis.invalid("kfunc", `arg#${index} expected pointer to an iterator on stack`);
  }
  if (kfunc.flags.has("iter_new")) {
    makeIterator(walk, register, kfunc, typeId);
    return;
  }
  const place = useIterator(walk, register, kfunc, typeId);
  call.reference = analysis.state.frames[place.frame]!.records[slotAt(place.slot) + REF]!;
  if (isIterator(kfunc)) call.iterator = place;
  if (kfunc.flags.has("iter_destroy")) destroyIterator(walk, place, typeId);
}

function mayIterateTasks({ type, attachType, sleepable }: Analysis): boolean {
  return type === "lsm" || (type === "tracing" && attachType === "trace_iter") || sleepable;
}

function checkNode(walk: Walk, call: KfuncCall, register: number, kind: "list_node" | "rb_node"): void {
  const analysis: Analysis = walk.analysis;
  const { name } = call.kfunc;
  const borrows = kind === "rb_node" && name !== "bpf_rbtree_add_impl";
  if (call.graph === undefined) analysis.notModelled(`${name} without a list or tree`);
  checkGraphNode(walk, register, call.graph, kind, borrows ? { by: name } : undefined);
}

/** An object has to be of the very type that is released or acquired; otherwise one that starts with it will do. */
function checkObject(walk: Walk, call: KfuncCall, index: number, pointee: Pointee): void {
  const analysis: Analysis = walk.analysis;
  const { kfunc } = call;
  const { records } = analysis.frame;
  const at = registerAt(index + 1);
  const type = records[at + TYPE]!;
  const other = structOfKind[type & KIND];
  const unsafe = type & ~(KIND | TRUSTED | ALLOCATED | NON_OWNING);
  if (other === undefined && ((type & KIND) !== BTF_ID || (unsafe !== 0 && (type & RCU) === 0))) {
    const expected = typeName((type & KIND) | (type & (TRUSTED | ALLOCATED)));
    analysis.invalid("kfunc", `arg#${index} is ${typeName(type)} expected ${expected} or socket`);
  }
  const object = other === undefined ? records[at + OBJECT]! : KERNEL_TYPES;
  const passed = other === undefined ? records[at + AUX]! : kernelStruct(analysis, other);
  const types = analysis.typesOf(object);
  const passedId = resolve(types, passed);
  const passedName = types.name(passedId);
  const releases = kfunc.flags.has("release") && records[at + REF] !== 0;
  const strict = releases || isAlias(passedName, pointee.name);
  const same = isOfType(analysis, object, passedId, records[at + OFF]!, KERNEL_TYPES, pointee.typeId, strict);
  if (same || isProjection(pointee.name, passedName)) return;
  analysis.invalid(
    "kfunc",
    `kernel function ${kfunc.name} args#${index} expected pointer to ${kindText(pointee.type.kind)} ${pointee.name} ` +
      `but R${index + 1} has a pointer to ${kindText(types.kind(passedId))} ${passedName}`,
  );
}

/** The context as programs see it stands for the kernel's. */
function isProjection(wanted: string, passed: string): boolean {
  return (wanted === "__sk_buff" && passed === "sk_buff") || (wanted === "xdp_md" && passed === "xdp_buff");
}

const INIT_SUFFIX = "___init";

/** A type called like another and `___init` is an object in the making, which must not be taken for a whole one. */
function isAlias(a: string, b: string): boolean {
  const aInit = a.endsWith(INIT_SUFFIX);
  const bInit = b.endsWith(INIT_SUFFIX);
  if (aInit === bInit) return false;
  const strip = (name: string) => (name.endsWith(INIT_SUFFIX) ? name.slice(0, -INIT_SUFFIX.length) : name);
  return strip(a) === strip(b);
}

function checkMemory(walk: Walk, index: number, pointee: Pointee): void {
  const analysis: Analysis = walk.analysis;
  const size = analysis.typesOf(KERNEL_TYPES).size(pointee.typeId);
  if (size === undefined) {
    const label = `${kindText(pointee.type.kind)} ${pointee.name}`;
    analysis.invalid("kfunc", `arg#${index} reference type('${label}') size cannot be determined: -22`);
  }
  checkMemoryOrNull(walk, index + 1, size);
}

function checkSized(walk: Walk, call: KfuncCall, index: number): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const { params } = call.kfunc;
  const size = registerAt(index + 2);
  const absent = isNull(records, registerAt(index + 1)) && params[index]!.name.endsWith("__nullable");
  const optional = isNull(records, registerAt(index + 1)) && params[index]!.name.endsWith("__opt");
  if (!absent && !optional) {
    const summary = `arg#${index} arg#${index + 1} memory, len pair leads to invalid memory access`;
    checkSizedMemoryOrNull(walk, index + 2, summary);
  }
  if (!isSizeOf(analysis, call.kfunc, index + 1, "__szk")) return;
  if (!isConstant(records, size)) analysis.invalid("kfunc", `R${index + 2} must be a known constant`);
  call.constant = { lo: records[size + VALUE]!, hi: records[size + VALUE + 1]! };
}

function checkRefcounted(analysis: Analysis, call: KfuncCall, index: number, type: number): void {
  const { records } = analysis.frame;
  const at = registerAt(index + 1);
  if ((type & KIND) !== BTF_ID || (type & ALLOCATED) === 0) {
    analysis.invalid("kfunc", `arg#${index} is neither owning or non-owning ref`);
  }
  call.owned = (type & NON_OWNING) === 0;
  if (!fieldsBehind(analysis, records, at).some(({ kind }) => kind === "refcount")) {
    analysis.invalid("kfunc", `arg#${index} doesn't point to a type with bpf_refcount field`);
  }
  call.object = records[at + OBJECT]!;
  call.objectType = records[at + AUX]!;
}

function checkIrqFlag(walk: Walk, call: KfuncCall, register: number): void {
  const { name } = call.kfunc;
  const byLock = name.startsWith("bpf_res_spin");
  if (name === "bpf_local_irq_save" || name === "bpf_res_spin_lock_irqsave") saveIrqFlag(walk, register, byLock);
  else restoreIrqFlag(walk, register, byLock);
}

function checkResilientLock(walk: Walk, call: KfuncCall, index: number, type: number): void {
  const { analysis } = walk;
  const { name } = call.kfunc;
  if (type !== MAP_VALUE && type !== (BTF_ID | ALLOCATED)) {
    analysis.invalid("kfunc", `arg#${index} doesn't point to map value or allocated object`);
  }
  const irq = name.includes("_irq");
  const locks = name === "bpf_res_spin_lock" || name === "bpf_res_spin_lock_irqsave";
  lockOrUnlock(walk, index + 1, irq ? "resilient_lock_irq" : "resilient_lock", locks);
}
