import { E2BIG, type Kfunc, kfuncs } from "../abi/index.js";
import { type Btf, type BtfFuncProto, resolve, type TypeId } from "../btf/index.js";
import type { Analysis } from "./analysis.js";
import { XDP_DEVICE_BOUND_ONLY } from "./input.js";

const MAX_KERNEL_FUNCTIONS = 256;

const byName: ReadonlyMap<string, Kfunc> = new Map(kfuncs.map((kfunc) => [kfunc.name, kfunc]));

/** Takes note of the kernel function that a call names; calls of number 0 have to turn out to be dead. */
export function resolveKernelFunction(analysis: Analysis, slot: number): void {
  const { insns } = analysis;
  const typeId = insns.imm[slot]!;
  if (!analysis.gpl) {
    analysis.invalid("permission", "cannot call kernel function from non-GPL compatible program");
  }
  if (insns.offset[slot] !== 0) analysis.notModelled("kernel functions of modules");
  if (typeId === 0 || analysis.kfuncs.has(typeId)) return;
  if (analysis.kfuncs.size >= MAX_KERNEL_FUNCTIONS) {
    analysis.reject("too_complex", E2BIG, "too many different kernel function calls");
  }
  const types = analysis.kernelTypes;
  if (types === undefined) analysis.notModelled("kernel functions without the kernel's types");
  const prototype = prototypeOf(analysis, types, typeId);
  const name = types.name(typeId);
  const kfunc = byName.get(name);
  if (kfunc === undefined && isKernelFunction(types, typeId)) {
    analysis.notModelled(`the kernel function ${name}`);
  }
  if (kfunc?.deviceBound) requireDevice(analysis);
  analysis.kfuncs.set(typeId, {
    name,
    typeId,
    flags: new Set(kfunc?.flags ?? []),
    params: prototype.params,
    returns: prototype.returns,
    allowed: kfunc !== undefined && isAllowed(analysis, kfunc),
  });
}

function requireDevice(analysis: Analysis): void {
  if ((analysis.flags & XDP_DEVICE_BOUND_ONLY) !== 0) analysis.notModelled("programs that are bound to a device");
  analysis.invalid("kfunc", "metadata kfuncs require device-bound program");
}

function prototypeOf(analysis: Analysis, types: Btf, typeId: TypeId): BtfFuncProto {
  const type = typeId > 0 && typeId < types.length ? types.type(typeId) : undefined;
  if (type?.kind !== "func") analysis.invalid("kfunc", `kernel btf_id ${typeId} is not a function`);
  const prototype = types.type(resolve(types, type.type));
  if (prototype.kind !== "func_proto") {
    analysis.invalid("kfunc", `kernel function btf_id ${typeId} does not have a valid func_proto`);
  }
  return prototype;
}

const taggedFunctions = new WeakMap<Btf, ReadonlySet<TypeId>>();

/** Is the function one for programs, by the tag that the kernel's build gives it? */
function isKernelFunction(types: Btf, typeId: TypeId): boolean {
  let tagged = taggedFunctions.get(types);
  if (tagged === undefined) {
    const found = new Set<TypeId>();
    for (const id of types.find("bpf_kfunc", "decl_tag")) {
      const tag = types.type(id);
      if (tag.kind === "decl_tag") found.add(tag.type);
    }
    tagged = found;
    taggedFunctions.set(types, tagged);
  }
  return tagged.has(typeId);
}

function isAllowed({ type, attachType }: Analysis, { programs, attachTypes }: Kfunc): boolean {
  if (attachTypes !== undefined && (attachType === undefined || !attachTypes.includes(attachType))) return false;
  return programs === "all" || programs.includes(type);
}
