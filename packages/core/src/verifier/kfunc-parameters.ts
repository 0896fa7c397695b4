import { type Btf, type BtfType, resolve, type TypeId } from "../btf/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import type { KernelFunction } from "./called-kernel-function.js";
import { registerAt, TYPE } from "./domain/register.js";
import { kindText } from "./kind-text.js";
import { BTF_ID, KIND, MAP_PTR, SCALAR, SOCK_COMMON, SOCKET, TCP_SOCK } from "./pointer-types.js";
import { isNull } from "./registers.js";

/** How a kernel function uses an argument: by its type, its name's ending, and what the program passes. */
export type KfuncArgumentKind =
  | "scalar"
  | "ignored"
  | "null"
  | "ctx"
  | "allocated"
  | "refcounted"
  | "dynptr"
  | "iterator"
  | "list_head"
  | "list_node"
  | "rb_root"
  | "rb_node"
  | "string"
  | "map"
  | "workqueue"
  | "timer"
  | "task_work"
  | "irq_flag"
  | "res_spin_lock"
  | "object"
  | "callback"
  | "memory"
  | "sized_memory";

const structKinds: Readonly<Record<string, KfuncArgumentKind>> = {
  bpf_list_head: "list_head",
  bpf_list_node: "list_node",
  bpf_rb_root: "rb_root",
  bpf_rb_node: "rb_node",
};

const laterStructKinds: Readonly<Record<string, KfuncArgumentKind>> = {
  bpf_wq: "workqueue",
  bpf_timer: "timer",
  bpf_task_work: "task_work",
};

/** The kernel's struct behind pointers that have a kind of their own. */
export const structOfKind: Readonly<Record<number, string>> = {
  [SOCKET]: "sock",
  [SOCK_COMMON]: "sock_common",
  [TCP_SOCK]: "tcp_sock",
  [MAP_PTR]: "bpf_map",
};

export function isScalarType(type: BtfType): boolean {
  return type.kind === "int" || type.kind === "enum" || type.kind === "enum64";
}

/** Sizes come behind the memory that they are of, in arguments called `..__sz`, or `..__szk` for constants. */
export function isSizeOf(analysis: Analysis, kfunc: KernelFunction, index: number, suffix: "__sz" | "__szk"): boolean {
  const parameter = kfunc.params[index];
  if (parameter === undefined || !parameter.name.endsWith(suffix)) return false;
  const types = analysis.typesOf(KERNEL_TYPES);
  const register = registerAt(index + 1);
  return isScalarType(types.type(resolve(types, parameter.type))) && analysis.frame.records[register + TYPE] === SCALAR;
}

/** What a pointer argument points to. */
export interface Pointee {
  readonly typeId: TypeId;
  readonly type: BtfType;
  readonly name: string;
}

export function pointeeOf(types: Btf, pointer: TypeId): Pointee {
  const typeId = resolve(types, pointer);
  const type = types.type(typeId);
  return { typeId, type, name: "name" in type ? type.name : "" };
}

const takesAnyContext: ReadonlySet<string> = new Set([
  "bpf_cast_to_kern_ctx",
  "bpf_session_cookie",
  "bpf_session_is_return",
]);

/** Decides how a pointer argument is used; `index` counts from 0. */
export function kindOfPointer(
  analysis: Analysis,
  kfunc: KernelFunction,
  index: number,
  pointee: Pointee,
): KfuncArgumentKind {
  const { name } = kfunc.params[index]!;
  const { records } = analysis.frame;
  const at = registerAt(index + 1);
  if (takesAnyContext.has(kfunc.name)) return "ctx";
  const sized = isSizeOf(analysis, kfunc, index + 1, "__sz") || isSizeOf(analysis, kfunc, index + 1, "__szk");
  if (isContextStruct(analysis, pointee.name)) return "ctx";
  if (name.endsWith("__nullable") && isNull(records, at) && !sized) return "null";
  if (name.endsWith("__alloc")) return "allocated";
  if (name.endsWith("__refcounted_kptr")) return "refcounted";
  if (pointee.name === "bpf_dynptr" || pointee.name === "bpf_dynptr_kern") return "dynptr";
  if (isIterator(kfunc) ? index === 0 : name.endsWith("__iter")) return "iterator";
  const graph = structKinds[pointee.name];
  if (graph !== undefined) return graph;
  if (name.endsWith("__str")) return "string";
  if (name.endsWith("__map")) return "map";
  const later = laterStructKinds[pointee.name];
  if (later !== undefined) return later;
  if (name.endsWith("__irq_flag")) return "irq_flag";
  if (pointee.name === "bpf_res_spin_lock") return "res_spin_lock";
  const kind = records[at + TYPE]! & KIND;
  if (kind === BTF_ID || structOfKind[kind] !== undefined) {
    if (pointee.type.kind !== "struct" && pointee.type.kind !== "union") {
      const label = `${pointee.type.kind.toUpperCase()} ${pointee.name}`;
      analysis.invalid("kfunc", `kernel function ${kfunc.name} args#${index} pointer type ${label} is not supported`);
    }
    return "object";
  }
  if (pointee.type.kind === "func_proto") return "callback";
  requirePlainMemory(analysis, index, pointee, sized);
  return sized ? "sized_memory" : "memory";
}

export function isIterator({ flags }: KernelFunction): boolean {
  return flags.has("iter_new") || flags.has("iter_next") || flags.has("iter_destroy");
}

/** Names of the contexts that programs of a type get, and of what kernel functions call them. */
function isContextStruct({ rules, type }: Analysis, name: string): boolean {
  const { context } = rules;
  if (typeof context === "string") return false;
  if (name === context.struct) return true;
  if (context.struct === "__sk_buff") return name === "sk_buff";
  if (context.struct === "xdp_md") return name === "xdp_buff";
  return type === "kprobe" && (name === "pt_regs" || name === "bpf_user_pt_regs_t");
}

function requirePlainMemory(analysis: Analysis, index: number, { type, typeId, name }: Pointee, sized: boolean): void {
  if (isScalarType(type) || isScalarStruct(analysis, typeId, 0) || (sized && type.kind === "void")) return;
  const alternatives = sized ? "void, " : "";
  analysis.invalid(
    "kfunc",
    `arg#${index} pointer type ${kindText(type.kind)} ${name} must point to ${alternatives}scalar, or struct with scalar`,
  );
}

const MAX_NESTING = 3;

/** A struct of the kernel's of nothing but numbers. */
function isScalarStruct(analysis: Analysis, typeId: TypeId, depth: number): boolean {
  return isStructOfScalars(analysis, analysis.typesOf(KERNEL_TYPES), typeId, depth);
}

export function isStructOfScalars(analysis: Analysis, types: Btf, typeId: TypeId, depth: number): boolean {
  const type = types.type(typeId);
  if (type.kind !== "struct" && type.kind !== "union") return false;
  return type.members.every((member) => {
    const memberId = resolve(types, member.type);
    const memberType = types.type(memberId);
    if (memberType.kind === "struct" || memberType.kind === "union") {
      if (depth >= MAX_NESTING) {
        analysis.log.write("max struct nesting depth exceeded\n");
        return false;
      }
      return isStructOfScalars(analysis, types, memberId, depth + 1);
    }
    if (memberType.kind !== "array") return isScalarType(memberType);
    return memberType.length > 0 && isScalarType(types.type(resolve(types, memberType.type)));
  });
}
