import {
  ENOTSUPP,
  functionsWithoutReturn,
  iteratorTargets,
  lsmHooks,
  modifiableFunctions,
  sleepableFunctions,
  structOpsRules,
  tracepointArgument,
  untraceableFunctions,
} from "../abi/index.js";
import { type Btf, type BtfFuncProto, type BtfType, resolve, type TypeId } from "../btf/index.js";
import type { Analysis } from "./analysis.js";
import type { AttachTarget } from "./attached-function.js";
import { kindText } from "./kind-text.js";

const TRACEPOINT_PREFIX = "btf_trace_";
const ITERATOR_PREFIX = "bpf_iter_";
const LSM_PREFIX = "bpf_lsm_";

/** Finds the target of a tracing, LSM or struct_ops program, and whether such a program can attach to it. */
export function findAttachTarget(analysis: Analysis): AttachTarget | undefined {
  const { type } = analysis;
  if (type === "ext") return analysis.notModelled("the program that an extension extends");
  if (type === "struct_ops") return structOpsMember(analysis);
  if (type !== "tracing" && type !== "lsm") return undefined;
  const typeId = analysis.input.attachBtfId ?? 0;
  if (typeId === 0) analysis.invalid("attach", "Tracing programs must provide btf_id");
  const types = requireTypes(analysis);
  if (typeId < 0 || typeId >= types.length) {
    analysis.invalid("attach", `attach_btf_id ${typeId} is invalid`);
  }
  const target = types.type(typeId);
  const name = "name" in target ? target.name : "";
  if (name === "") analysis.invalid("attach", `attach_btf_id ${typeId} doesn't have a name`);
  switch (analysis.attachType) {
    case "trace_raw_tp":
      return tracepoint(analysis, types, typeId, target, name);
    case "trace_iter":
      return iterator(analysis, types, typeId, target, name);
    case "trace_fentry":
    case "trace_fexit":
    case "modify_return":
    case "lsm_mac":
    case "lsm_cgroup":
      return kernelFunction(analysis, types, typeId, target, name);
    default:
      return analysis.invalid("attach", "");
  }
}

function requireTypes(analysis: Analysis): Btf {
  return analysis.kernelTypes ?? analysis.notModelled("an attach target without the kernel's types");
}

function prototypeOf(analysis: Analysis, types: Btf, typeId: TypeId): BtfFuncProto {
  const type = types.type(typeId);
  if (type.kind !== "func_proto") analysis.invalid("attach", "");
  return type;
}

function tracepoint(analysis: Analysis, types: Btf, typeId: TypeId, target: BtfType, name: string): AttachTarget {
  if (target.kind !== "typedef") analysis.invalid("attach", `attach_btf_id ${typeId} is not a typedef`);
  if (!name.startsWith(TRACEPOINT_PREFIX)) {
    analysis.invalid("attach", `attach_btf_id ${typeId} points to wrong type name ${name}`);
  }
  const tracepointName = name.slice(TRACEPOINT_PREFIX.length);
  const pointer = types.type(target.type);
  if (pointer.kind !== "ptr") analysis.invalid("attach", "");
  // The typedef's parameters have no names; those of the function that calls the program do.
  const [caller] = types.find(`__bpf_trace_${tracepointName}`, "func");
  const callerType = caller === undefined ? undefined : types.type(caller);
  const prototype = prototypeOf(analysis, types, callerType?.kind === "func" ? callerType.type : pointer.type);
  return {
    name: tracepointName,
    params: prototype.params.slice(1),
    returns: prototype.returns,
    argument: (index, parameter) => {
      const kind = tracepointArgument(tracepointName, index);
      if (kind === "error") return "scalar";
      return kind === "nullable" || parameter.endsWith("__nullable") ? "trusted?" : "trusted";
    },
  };
}

function iterator(analysis: Analysis, types: Btf, typeId: TypeId, target: BtfType, name: string): AttachTarget {
  if (target.kind !== "func") analysis.invalid("attach", `attach_btf_id ${typeId} is not a function`);
  const known = name.startsWith(ITERATOR_PREFIX) ? iteratorTargets[name.slice(ITERATOR_PREFIX.length)] : undefined;
  if (known === undefined) analysis.invalid("attach", "");
  const { params, returns } = prototypeOf(analysis, types, target.type);
  return { name, params, returns, argument: (_index, parameter) => known[parameter] ?? "trusted" };
}

function kernelFunction(analysis: Analysis, types: Btf, typeId: TypeId, target: BtfType, name: string): AttachTarget {
  const { attachType, type } = analysis;
  if (target.kind !== "func") analysis.invalid("attach", `attach_btf_id ${typeId} is not a function`);
  const { params, returns } = prototypeOf(analysis, types, target.type);
  checkSignature(analysis, types, name, params, returns);
  if (analysis.sleepable) requireSleepable(analysis, name);
  else if (attachType === "modify_return") requireModifiable(analysis, name);
  if (type === "lsm") checkHook(analysis, typeId, name);
  else checkTraceable(analysis, name);
  const hook = name.slice(LSM_PREFIX.length);
  const trusted = type === "lsm" && !lsmHooks.untrusted.has(hook);
  return {
    name,
    params,
    returns,
    argument: (_index, parameter) => {
      const nullable = parameter.endsWith("__nullable");
      return trusted ? (nullable ? "trusted?" : "trusted") : nullable ? "plain?" : "plain";
    },
  };
}

const MAX_ARGUMENTS = 12;

/** Functions whose calls the kernel's trampolines can relay. */
function checkSignature(
  analysis: Analysis,
  types: Btf,
  name: string,
  params: BtfFuncProto["params"],
  returns: TypeId,
): void {
  if (params.length > MAX_ARGUMENTS) {
    analysis.invalid("attach", `The function ${name} has ${params.length} arguments. Too many.`);
  }
  const result = types.type(resolve(types, returns));
  const plainResult = result.kind === "void" || result.kind === "ptr" || result.kind === "int" || isEnum(result);
  if (!plainResult) {
    analysis.invalid("attach", `The function ${name} return type ${kindText(result.kind)} is unsupported.`);
  }
  params.forEach((parameter, index) => {
    const last = index === params.length - 1;
    if (last && parameter.type === 0) {
      analysis.invalid("attach", `The function ${name} with variable args is unsupported.`);
    }
    const type = types.type(resolve(types, parameter.type));
    const size = types.size(parameter.type) ?? 0;
    const fine = type.kind === "ptr" || type.kind === "int" || type.kind === "struct" || isEnum(type);
    if (!fine || size > 16) {
      analysis.invalid("attach", `The function ${name} arg${index} type ${kindText(type.kind)} is unsupported.`);
    }
    if (size === 0) analysis.invalid("attach", `The function ${name} has malformed void argument.`);
  });
}

function isEnum(type: BtfType): boolean {
  return type.kind === "enum" || type.kind === "enum64";
}

function requireSleepable(analysis: Analysis, name: string): void {
  if (analysis.type !== "lsm") {
    if (!sleepableFunctions.has(name)) dependsOnBuild(analysis, name, `${name} is not sleepable`);
  } else if (!lsmHooks.sleepable.has(name.slice(LSM_PREFIX.length))) {
    analysis.invalid("attach", `${name} is not sleepable`);
  }
}

function requireModifiable(analysis: Analysis, name: string): void {
  if (modifiableFunctions.has(name) || name.startsWith("security_")) return;
  dependsOnBuild(analysis, name, `${name}() is not modifiable`);
}

/** Kernels built for it let programs inject errors into system calls and some other functions. */
function dependsOnBuild(analysis: Analysis, name: string, message: string): never {
  if (/^__(x64|ia32)_(compat_)?sys_/.test(name)) {
    analysis.notModelled(`whether the kernel was built to let errors be injected into ${name}`);
  }
  analysis.invalid("attach", message);
}

function checkHook(analysis: Analysis, typeId: TypeId, name: string): void {
  if (!analysis.gpl) analysis.invalid("attach", "LSM programs must have a GPL compatible license");
  const hook = name.startsWith(LSM_PREFIX) ? name.slice(LSM_PREFIX.length) : "";
  if (lsmHooks.disabled.has(hook)) {
    analysis.invalid("attach", `attach_btf_id ${typeId} points to disabled hook ${name}`);
  }
  if (hook === "" || lsmHooks.notHooks.has(hook)) {
    analysis.invalid("attach", `attach_btf_id ${typeId} points to wrong type name ${name}`);
  }
}

function checkTraceable(analysis: Analysis, name: string): void {
  if (untraceableFunctions.has(name)) {
    analysis.invalid("attach", `Attaching tracing programs to function '${name}' is rejected.`);
  }
  if (analysis.attachType !== "trace_fentry" && functionsWithoutReturn.has(name)) {
    analysis.invalid("attach", `Attaching fexit/fmod_ret to __noreturn function '${name}' is rejected.`);
  }
}

function structOpsMember(analysis: Analysis): AttachTarget {
  if (!analysis.gpl) analysis.invalid("attach", "struct ops programs must have a GPL compatible license");
  const typeId = analysis.input.attachBtfId ?? 0;
  if (typeId === 0) analysis.reject("attach", ENOTSUPP, "");
  const types = requireTypes(analysis);
  const struct = typeId > 0 && typeId < types.length ? types.type(typeId) : undefined;
  const rules = struct?.kind === "struct" ? structOpsRules[struct.name] : undefined;
  const isInterface = struct?.kind === "struct" && types.find(`bpf_struct_ops_${struct.name}`, "struct").length > 0;
  if (struct?.kind !== "struct" || !isInterface) {
    analysis.reject("attach", ENOTSUPP, `attach_btf_id ${typeId} is not a supported struct`);
  }
  if (rules === undefined) return analysis.notModelled(`programs of struct ${struct.name}`);
  const index = analysis.input.structOpsMember ?? 0;
  const member = struct.members[index];
  if (member === undefined) {
    analysis.invalid("attach", `attach to invalid member idx ${index} of struct ${struct.name}`);
  }
  const pointer = types.type(resolve(types, member.type));
  const prototype = pointer.kind === "ptr" ? types.type(resolve(types, pointer.type)) : undefined;
  if (prototype?.kind !== "func_proto") {
    analysis.invalid("attach", `attach to invalid member ${member.name}(@idx ${index}) of struct ${struct.name}`);
  }
  if (rules.unsupported.includes(member.name)) {
    analysis.reject("attach", ENOTSUPP, `attach to unsupported member ${member.name} of struct ${struct.name}`);
  }
  if (analysis.sleepable && rules.sleepable !== undefined && !rules.sleepable.includes(member.name)) {
    analysis.invalid("attach", `attach to unsupported member ${member.name} of struct ${struct.name}`);
  }
  const nullable = rules.nullable?.[member.name] ?? [];
  return {
    name: member.name,
    params: prototype.params,
    returns: prototype.returns,
    argument: (position) => (nullable.includes(position) ? "trusted?" : "trusted"),
    member: { struct: struct.name, name: member.name, bitOffset: member.bitOffset },
  };
}
