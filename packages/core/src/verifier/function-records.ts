import { type Btf, resolve, type TypeId } from "../btf/index.js";
import type { Analysis } from "./analysis.js";

/** Function records name functions, in the order of their slots from 0 on. */
export function checkFunctionRecords(analysis: Analysis): void {
  const { btf, functions } = analysis;
  functions.forEach(({ slot, typeId }, index) => {
    const previous = functions[index - 1]?.slot ?? 0;
    if (index === 0 && slot !== 0) {
      analysis.invalid("btf", `nonzero insn_off ${slot} for the first func info record`);
    }
    if (index > 0 && slot <= previous) {
      analysis.invalid("btf", `same or smaller insn offset (${slot}) than previous func info record (${previous})`);
    }
    const known = btf !== undefined && typeId < btf.length && btf.type(typeId).kind === "func";
    if (!known) analysis.invalid("btf", `invalid type id ${typeId} in func info`);
  });
}

/** Every function has its record, and those that may return early return a number. */
export function checkFunctionLayout(analysis: Analysis): void {
  const { btf, functions, subprograms } = analysis;
  if (functions.length === 0 || btf === undefined) return;
  if (functions.length !== subprograms.length) {
    analysis.invalid("btf", "number of funcs in func_info doesn't match number of subprogs");
  }
  subprograms.forEach(({ start, hasLoadAbsolute, hasTailCall }, index) => {
    const { slot, typeId } = functions[index]!;
    if (slot !== start) {
      analysis.invalid("btf", "func_info BTF section doesn't match subprog layout in BPF program");
    }
    if (index === 0 || returnsNumber(btf, typeId)) return;
    if (hasLoadAbsolute) analysis.invalid("call", "LD_ABS is only allowed in functions that return 'int'.");
    if (hasTailCall) analysis.invalid("call", "tail_call is only allowed in functions that return 'int'.");
  });
}

function returnsNumber(btf: Btf, typeId: TypeId): boolean {
  const func = btf.type(typeId);
  const proto = func.kind === "func" ? btf.type(func.type) : undefined;
  if (proto?.kind !== "func_proto") return false;
  const returned = btf.type(resolve(btf, proto.returns));
  if (returned.kind === "enum" || returned.kind === "enum64") return true;
  return (
    returned.kind === "int" && returned.bitOffset === 0 && returned.bits === returned.size * 8 && returned.size <= 8
  );
}
