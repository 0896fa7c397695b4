import type { HelperArgument } from "../abi/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import type { CallArguments } from "./call-arguments.js";
import { AUX, OBJECT, OFF, registerAt, TYPE } from "./domain/register.js";
import { requirePointerOfField } from "./kernel-pointers.js";
import { ALLOCATED, MAYBE_NULL, PERCPU } from "./pointer-types.js";
import { isOfType, kernelStruct } from "./struct-walk.js";
import type { Walk } from "./walk.js";

/** A typed pointer that a helper is given has to point to what it takes. */
export function checkTypedArgument(walk: Walk, call: CallArguments, register: number, argument: HelperArgument): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  const { name } = call.prototype;
  if ((type & (ALLOCATED | PERCPU)) !== 0) {
    if (name === "kptr_xchg" && register === 2 && (type & ALLOCATED) !== 0) requirePointerOfField(walk, call, register);
    return;
  }
  if ((type & MAYBE_NULL) !== 0 && (!argument.nullable || argument.releases)) {
    analysis.deny("argument", `Possibly NULL pointer passed to helper arg${register}`);
  }
  if (name === "kptr_xchg") {
    requirePointerOfField(walk, call, register);
    return;
  }
  const struct = argument.struct ?? (argument.kind === "btf_id_sock_common" ? "sock_common" : undefined);
  if (struct === undefined) analysis.notModelled(`the type that bpf_${name} takes as argument ${register}`);
  const wanted = kernelStruct(analysis, struct);
  const strict = argument.releases === true && name !== "sk_release";
  const object = records[at + OBJECT]!;
  const typeId = records[at + AUX]!;
  if (isOfType(analysis, object, typeId, records[at + OFF]!, KERNEL_TYPES, wanted, strict)) return;
  const actual = analysis.typeNameOf(object, typeId);
  analysis.deny("argument", `R${register} is of type ${actual} but ${struct} is expected`);
}
