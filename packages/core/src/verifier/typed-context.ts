import { lsmHooks, MAX_ERRNO, structOpsRules } from "../abi/index.js";
import { type Btf, type BtfType, resolve, type TypeId } from "../btf/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import type { ArgumentTrust, AttachTarget } from "./attached-function.js";
import { setTypedPointer } from "./btf-access.js";
import { syncBounds } from "./domain/bounds.js";
import { ID, registerAt, S32_MAX, S32_MIN, SMAX, SMIN } from "./domain/register.js";
import { BUF, MAYBE_NULL, PERCPU, READ_ONLY, TRUSTED, USER_MEM } from "./pointer-types.js";
import { setPointer, setUnknownScalar } from "./registers.js";

/** Bytes that arguments can take up. */
const MAX_CONTEXT = 8 * 12;

const trustFlags: Readonly<Record<Exclude<ArgumentTrust, "scalar" | "buf?" | "buf_rdonly?">, number>> = {
  trusted: TRUSTED,
  referenced: TRUSTED,
  "trusted?": TRUSTED | MAYBE_NULL,
  plain: 0,
  "plain?": MAYBE_NULL,
};

/** A load from the arguments of the function that a program is attached to; they lie in a row, 8 bytes each. */
export function accessTypedContext(
  analysis: Analysis,
  offset: number,
  size: number,
  write: boolean,
  into: number,
): void {
  const target = analysis.target ?? analysis.notModelled(`the context of ${analysis.type} programs`);
  const denied = () => analysis.deny("context_access", `invalid bpf_context access off=${offset} size=${size}`);
  const { log } = analysis;
  if (analysis.type === "lsm" && write) analysis.notModelled("a write to the context of an LSM program");
  if (offset < 0 || offset >= MAX_CONTEXT || write || offset % size !== 0) denied();
  if (offset % 8 !== 0) {
    log.write(`func '${target.name}' offset ${offset} is not multiple of 8\n`);
    denied();
  }
  const types = analysis.typesOf(KERNEL_TYPES);
  const index = argumentAt(types, target, offset);
  const { records } = analysis.frame;
  const at = registerAt(into);
  if (index >= target.params.length) {
    if (index > target.params.length || !seesResult(analysis)) {
      log.write(`func '${target.name}' doesn't have ${index + 1}-th argument\n`);
      denied();
    }
    loadResult(analysis, target, types, size, into, denied);
    return;
  }
  const parameter = target.params[index]!;
  const typeId = resolve(types, parameter.type);
  const type = types.type(typeId);
  if (isNumber(types, typeId, type)) {
    if (into >= 0) setUnknownScalar(analysis, records, at);
    return;
  }
  if (type.kind !== "ptr") {
    const name = "name" in type ? type.name : "";
    log.write(
      `func '${target.name}' arg${index} '${name}' has type ${type.kind.toUpperCase()}. Only pointer access is allowed\n`,
    );
    denied();
    return;
  }
  if (size !== 8) {
    log.write(`func '${target.name}' size ${size} must be 8\n`);
    denied();
  }
  loadPointer(analysis, target, types, index, parameter.name, type.type, into, denied);
}

function isNumber(types: Btf, typeId: TypeId, type: BtfType): boolean {
  switch (type.kind) {
    case "int":
      return (types.size(typeId) ?? 0) <= 8;
    case "enum":
    case "enum64":
    case "struct":
    case "union":
      return true;
    default:
      return false;
  }
}

/** Index of the argument that lies at an offset; that of the result is the number of arguments. */
function argumentAt(types: Btf, { params, returns }: AttachTarget, offset: number): number {
  let end = 0;
  for (let index = 0; index < params.length; index++) {
    end += slotSize(types, params[index]!.type);
    if (offset < end) return index;
  }
  return offset < end + slotSize(types, returns) ? params.length : params.length + 1;
}

function slotSize(types: Btf, typeId: TypeId): number {
  return (((types.size(typeId) ?? 0) + 7) >> 3) * 8;
}

function seesResult({ attachType }: Analysis): boolean {
  return (
    attachType === "lsm_mac" ||
    attachType === "lsm_cgroup" ||
    attachType === "trace_fexit" ||
    attachType === "modify_return"
  );
}

function loadResult(
  analysis: Analysis,
  target: AttachTarget,
  types: Btf,
  size: number,
  into: number,
  denied: () => never,
): void {
  const typeId = resolve(types, target.returns);
  const type = types.type(typeId);
  const { records } = analysis.frame;
  const at = registerAt(into);
  if (analysis.attachType === "modify_return" && type.kind !== "int") {
    analysis.log.write(`ret type ${type.kind.toUpperCase()} not allowed for fmod_ret\n`);
    denied();
  }
  if (isNumber(types, typeId, type)) {
    if (into < 0) return;
    setUnknownScalar(analysis, records, at);
    const range = analysis.attachType === "lsm_mac" ? hookResult(target.name) : undefined;
    if (range === undefined) return;
    records[at + SMIN] = range.min;
    records[at + SMIN + 1] = range.min >> 31;
    records[at + SMAX] = range.max;
    records[at + SMAX + 1] = 0;
    records[at + S32_MIN] = range.min;
    records[at + S32_MAX] = range.max;
    syncBounds(records, at);
    return;
  }
  if (type.kind !== "ptr") denied();
  if (size !== 8) {
    analysis.log.write(`func '${target.name}' size ${size} must be 8\n`);
    denied();
  }
  const pointee = type.kind === "ptr" ? type.type : 0;
  loadPointer(analysis, target, types, target.params.length, "", pointee, into, denied);
}

/** What an LSM hook returns. */
export function hookResult(name: string): { readonly min: number; readonly max: number } {
  return lsmHooks.boolean.has(name.slice("bpf_lsm_".length)) ? { min: 0, max: 1 } : { min: -MAX_ERRNO, max: 0 };
}

function loadPointer(
  analysis: Analysis,
  target: AttachTarget,
  types: Btf,
  index: number,
  name: string,
  pointee: TypeId,
  into: number,
  denied: () => never,
): void {
  const { records } = analysis.frame;
  const at = registerAt(into);
  const trust = target.argument(index, name);
  if (trust === "buf?" || trust === "buf_rdonly?") {
    if (into < 0) return;
    setPointer(records, at, BUF | MAYBE_NULL | (trust === "buf_rdonly?" ? READ_ONLY : 0));
    records[at + ID] = analysis.freshId();
    return;
  }
  let typeId = resolve(types, pointee);
  const type = types.type(typeId);
  if (type.kind === "void" || type.kind === "int") {
    if (into >= 0) setUnknownScalar(analysis, records, at);
    return;
  }
  const isStruct = type.kind === "struct" || type.kind === "union";
  const kind = type.kind.toUpperCase();
  if (!isStruct) {
    analysis.log.write(`func '${target.name}' arg${index} type ${kind} is not a struct\n`);
    denied();
    return;
  }
  const promoted = promote(types, target, type.name);
  if (analysis.log.walk && trustIsByType(trust, target)) {
    analysis.log.write(`func '${target.name}' arg${index} has btf_id ${typeId} type ${kind} '${type.name}'\n`);
  }
  typeId = promoted ?? typeId;
  if (into < 0) return;
  if (trust === "scalar") {
    setUnknownScalar(analysis, records, at);
    return;
  }
  const tag = types.type(pointee);
  const tagged = tag.kind === "type_tag" && tag.attribute !== true ? tag.name : "";
  const flags = tagged === "user" ? USER_MEM : tagged === "percpu" ? PERCPU : 0;
  setTypedPointer(analysis, records, at, KERNEL_TYPES, typeId, trustFlags[trust] | flags);
}

/** Arguments that an iterator or interface describes itself are not announced. */
function trustIsByType(trust: ArgumentTrust, target: AttachTarget): boolean {
  const described = target.name.startsWith("bpf_iter_") || target.member !== undefined;
  return !(described && trust !== "trusted");
}

function promote(types: Btf, { member }: AttachTarget, name: string): TypeId | undefined {
  const promotes = member === undefined ? undefined : structOpsRules[member.struct]?.promotes;
  if (promotes === undefined || promotes[0] !== name) return undefined;
  return types.find(promotes[1], "struct")[0];
}
