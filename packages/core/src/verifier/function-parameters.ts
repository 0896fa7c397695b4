import { EFAULT } from "../abi/index.js";
import { type Btf, type BtfType, resolve, type TypeId } from "../btf/index.js";
import type { Analysis, Subprogram } from "./analysis.js";
import { kindText } from "./kind-text.js";

/** What a global function asks of one of its arguments. */
export type Parameter =
  | { readonly kind: "scalar" | "ctx" | "arena" | "dynptr" }
  /** Memory of `size` bytes. */
  | { readonly kind: "mem"; readonly size: number; readonly nullable: boolean; readonly untrusted: boolean }
  /** A kernel object of a type in the kernel's BTF. */
  | {
      readonly kind: "object";
      readonly typeId: TypeId;
      readonly nullable: boolean;
      readonly trusted: boolean;
    };

const MAX_PARAMETERS = 5;

const tagNames: ReadonlySet<string> = new Set(["ctx", "trusted", "untrusted", "nonnull", "nullable", "arena"]);

/** Types of the context that functions may name, for program types whose context has no layout of its own. */
const contextStructs: Readonly<Partial<Record<string, string>>> = { kprobe: "pt_regs" };

/**
 * The parameters of a global function, by its BTF: scalars, the context, memory of a known size, and what its
 * parameters' tags (`__arg_ctx`, `__arg_trusted` and their like) say.
 */
export function parametersOf(analysis: Analysis, subprogram: Subprogram): readonly Parameter[] {
  const { btf } = analysis;
  if (btf === undefined || subprogram.typeId === 0) {
    analysis.reject("btf", EFAULT, "Global functions need valid BTF");
  }
  const func = btf.type(subprogram.typeId);
  if (func.kind !== "func") {
    analysis.reject(
      "btf",
      EFAULT,
      `BTF of func#${analysis.subprograms.indexOf(subprogram)} doesn't point to KIND_FUNC`,
    );
  }
  const prototype = btf.type(func.type);
  if (prototype.kind !== "func_proto") {
    analysis.reject("btf", EFAULT, `Invalid type of function ${func.name}()`);
  }
  const { length } = prototype.params;
  if (length > MAX_PARAMETERS) {
    analysis.invalid("btf", `Global function ${func.name}() with ${length} > 5 args. Buggy compiler.`);
  }
  if (!isScalarType(btf.type(resolve(btf, prototype.returns)))) {
    analysis.invalid("btf", `Global function ${func.name}() doesn't return scalar. Only those are supported.`);
  }
  return prototype.params.map((parameter, index) =>
    parameterOf(analysis, btf, func.name, index, parameter.type, tagsOf(analysis, btf, subprogram.typeId, index)),
  );
}

function isScalarType(type: BtfType): boolean {
  return type.kind === "int" || type.kind === "enum" || type.kind === "enum64";
}

function tagsOf(analysis: Analysis, btf: Btf, func: TypeId, index: number): ReadonlySet<string> {
  const tags = new Set<string>();
  for (let id = btf.firstId; id < btf.length; id++) {
    const type = btf.type(id);
    if (type.kind !== "decl_tag" || type.type !== func || type.component !== index) continue;
    if (!type.name.startsWith("arg:")) continue;
    const tag = type.name.slice(4);
    if (!tagNames.has(tag)) analysis.invalid("btf", `arg#${index} has unsupported set of tags`);
    tags.add(tag);
  }
  return tags;
}

function parameterOf(
  analysis: Analysis,
  btf: Btf,
  name: string,
  index: number,
  typeId: TypeId,
  tags: ReadonlySet<string>,
): Parameter {
  const type = btf.type(resolve(btf, typeId));
  if (type.kind === "ptr") return pointerParameter(analysis, btf, index, type.type, tags);
  if (tags.size > 0) analysis.invalid("btf", `arg#${index} has pointer tag, but is not a pointer type`);
  if (isScalarType(type)) return { kind: "scalar" };
  analysis.invalid("btf", `Arg#${index} type ${kindText(type.kind)} in ${name}() is not supported yet.`);
}

function pointerParameter(
  analysis: Analysis,
  btf: Btf,
  index: number,
  pointee: TypeId,
  tags: ReadonlySet<string>,
): Parameter {
  const badTags = `arg#${index} has invalid combination of tags`;
  const targetId = resolve(btf, pointee);
  const target = btf.type(targetId);
  const structName = target.kind === "struct" || target.kind === "fwd" ? target.name : "";
  if (tags.has("ctx") || isContextName(analysis, structName)) {
    if (tags.size > (tags.has("ctx") ? 1 : 0)) analysis.invalid("btf", badTags);
    if (tags.has("ctx") && !isContextName(analysis, structName) && !mayBeContext(analysis, target, structName)) {
      analysis.notModelled(`a parameter tagged as context of type '${structName}'`);
    }
    return { kind: "ctx" };
  }
  if (structName === "bpf_dynptr") {
    if (tags.size > 0) analysis.invalid("btf", badTags);
    return { kind: "dynptr" };
  }
  if (tags.has("trusted")) {
    if (tags.has("nonnull")) analysis.invalid("btf", badTags);
    const typeId = kernelTypeId(analysis, index, structName);
    return { kind: "object", typeId, nullable: tags.has("nullable"), trusted: true };
  }
  if (tags.has("untrusted")) return untrustedParameter(analysis, index, target, structName, tags);
  if (tags.has("arena")) {
    if (tags.size > 1) analysis.invalid("btf", `arg#${index} arena cannot be combined with any other tags`);
    return { kind: "arena" };
  }
  if (tags.has("nullable")) analysis.invalid("btf", badTags);
  const size = target.kind === "fwd" || target.kind === "void" ? undefined : btf.size(targetId);
  if (size === undefined) {
    const label = `${kindText(target.kind)} ${structName}`;
    analysis.invalid("btf", `arg#${index} reference type('${label}') size cannot be determined: -22`);
  }
  return { kind: "mem", size, nullable: !tags.has("nonnull"), untrusted: false };
}

function untrustedParameter(
  analysis: Analysis,
  index: number,
  target: BtfType,
  structName: string,
  tags: ReadonlySet<string>,
): Parameter {
  if (tags.size > 1) {
    analysis.invalid("btf", `arg#${index} untrusted cannot be combined with any other tags`);
  }
  if (target.kind === "void" || isScalarType(target)) return { kind: "mem", size: 0, nullable: false, untrusted: true };
  const typeId = kernelTypeId(analysis, index, structName);
  return { kind: "object", typeId, nullable: false, trusted: false };
}

/** What a parameter that is tagged as the context may point to where the program type names no struct for it. */
function mayBeContext({ type, attachType }: Analysis, target: BtfType, structName: string): boolean {
  if (target.kind === "void") return true;
  const isU64 = target.kind === "int" && target.size === 8;
  switch (type) {
    case "tracepoint":
    case "syscall":
      return true;
    case "kprobe":
      return structName === "pt_regs";
    case "perf_event":
      return structName === "pt_regs" || structName === "bpf_perf_event_data";
    case "raw_tracepoint":
    case "raw_tracepoint_writable":
      return isU64 || structName === "bpf_raw_tracepoint_args";
    case "tracing":
      if (attachType === "trace_iter") return structName.startsWith("bpf_iter__");
      return isU64 || (attachType === "trace_raw_tp" && structName === "bpf_raw_tracepoint_args");
    case "lsm":
    case "struct_ops":
      return isU64;
    default:
      return false;
  }
}

/** Does the program type call its context's struct so? `___flavour` endings don't count. */
function isContextName(analysis: Analysis, name: string): boolean {
  if (name === "") return false;
  const { context } = analysis.rules;
  if (analysis.type === "kprobe" && name === "bpf_user_pt_regs_t") return true;
  const expected = typeof context === "string" ? contextStructs[analysis.type] : context.struct;
  if (expected === undefined) return false;
  const flavour = name.indexOf("___");
  return (flavour < 0 ? name : name.slice(0, flavour)) === expected;
}

/** The kernel's struct of that name. */
function kernelTypeId(analysis: Analysis, index: number, name: string): TypeId {
  const types = analysis.kernelTypes;
  if (types === undefined) return analysis.notModelled("a kernel object as parameter without the kernel's types");
  const flavour = name.indexOf("___");
  const [first, second] = types.find(flavour < 0 ? name : name.slice(0, flavour), "struct");
  if (first === undefined) analysis.invalid("btf", `arg#${index} reference type('STRUCT ${name}') has no matches`);
  if (second !== undefined) analysis.invalid("btf", `arg#${index} reference type('STRUCT ${name}') is ambiguous`);
  return first;
}
