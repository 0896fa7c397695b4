import type { HelperArgument } from "../abi/index.js";
import { type Analysis, KERNEL_TYPES, Rejection } from "./analysis.js";
import { checkArgumentOffset } from "./argument-offset.js";
import { newCallArguments } from "./call-arguments.js";
import { AUX, ID, OBJECT, registerAt, TYPE } from "./domain/register.js";
import { requireDynptrPointer, setKernelDynptr, useDynptr } from "./dynptrs.js";
import { type Parameter, parametersOf } from "./function-parameters.js";
import { checkArgumentType } from "./helper-arguments.js";
import { checkMemoryOrNull } from "./memory-arguments.js";
import { ARENA, BTF_ID, CTX, MAYBE_NULL, MEM, READ_ONLY, SCALAR, TRUSTED, UNTRUSTED } from "./pointer-types.js";
import { isNull, setPointer, setUnknownScalar } from "./registers.js";
import type { Walk } from "./walk.js";

/** Checks the caller's r1 to r5 against the types of a global function's parameters. */
export function checkGlobalArguments(walk: Walk, index: number): void {
  const { analysis } = walk;
  const subprogram = analysis.subprograms[index]!;
  try {
    parametersOf(analysis, subprogram).forEach((parameter, i) => {
      checkParameter(walk, i, parameter);
    });
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    analysis.invalid("argument", `Caller passes invalid args into func#${index} ('${subprogram.name}')`);
  }
}

function checkParameter(walk: Walk, index: number, parameter: Parameter): void {
  const analysis: Analysis = walk.analysis;
  const register = index + 1;
  const type = analysis.frame.records[registerAt(register) + TYPE]!;
  switch (parameter.kind) {
    case "scalar":
      if (type !== SCALAR) analysis.invalid("argument", `R${register} is not a scalar`);
      return;
    case "ctx":
      checkArgumentOffset(walk, register, false, false);
      if (type !== CTX) analysis.invalid("argument", `arg#${index} expects pointer to ctx`);
      return;
    case "mem":
      if (parameter.untrusted) return;
      checkArgumentOffset(walk, register, false, false);
      checkMemoryOrNull(walk, register, parameter.size);
      if (!parameter.nullable && (type & MAYBE_NULL) !== 0) {
        analysis.invalid("argument", `arg#${index} is expected to be non-NULL`);
      }
      return;
    case "arena":
      if (type !== ARENA && type !== SCALAR) {
        analysis.invalid("argument", `R${register} is not a pointer to arena or scalar.`);
      }
      return;
    case "dynptr":
      checkArgumentOffset(walk, register, false, true);
      requireDynptrPointer(walk, register);
      useDynptr(walk, register, 0, true);
      return;
    case "object":
      checkObject(walk, register, parameter);
      return;
    default:
  }
}

function checkObject(walk: Walk, register: number, parameter: Extract<Parameter, { kind: "object" }>): void {
  const analysis: Analysis = walk.analysis;
  if (!parameter.trusted) return;
  if (parameter.nullable && isNull(analysis.frame.records, registerAt(register))) return;
  const struct = analysis.typeNameOf(KERNEL_TYPES, parameter.typeId);
  const argument: HelperArgument = { kind: "btf_id", struct, ...(parameter.nullable ? { nullable: true } : {}) };
  const prototype = { id: 0, name: "", since: "", args: [], returns: { kind: "void" } } as const;
  checkArgumentType(walk, newCallArguments(prototype), register, argument);
  checkArgumentOffset(walk, register, false, false);
}

/** What a global function finds in r1 to r5 when it is verified by itself: anything of the parameters' types. */
export function setParameters(walk: Walk, index: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  parametersOf(analysis, analysis.subprograms[index]!).forEach((parameter, i) => {
    const at = registerAt(i + 1);
    switch (parameter.kind) {
      case "scalar":
      case "arena":
        setUnknownScalar(analysis, records, at);
        return;
      case "ctx":
        setPointer(records, at, CTX);
        return;
      case "mem": {
        const flags = parameter.untrusted ? READ_ONLY | UNTRUSTED : parameter.nullable ? MAYBE_NULL : 0;
        setPointer(records, at, MEM | flags);
        records[at + AUX] = parameter.size;
        if (parameter.nullable) records[at + ID] = analysis.freshId();
        return;
      }
      case "object": {
        const flags = (parameter.nullable ? MAYBE_NULL : 0) | (parameter.trusted ? TRUSTED : UNTRUSTED);
        setPointer(records, at, BTF_ID | flags);
        records[at + OBJECT] = KERNEL_TYPES;
        records[at + AUX] = parameter.typeId;
        records[at + ID] = analysis.freshId();
        return;
      }
      case "dynptr":
        setKernelDynptr(analysis, records, at, "local");
        return;
      default:
    }
  });
}
