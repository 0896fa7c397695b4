import type { Instruction } from "./instruction.js";
import { readImmediate, readRegisterOf, readTarget, seesRegister } from "./operands.js";
import { type ParsedInstruction, parsedAs } from "./parsed.js";
import type { TokenReader } from "./token-reader.js";

/**
 * Reads what follows `call` or `callx`, in either style:
 *
 *     call 5, call bpf_ktime_get_ns, call bpf_ktime_get_ns#5     a helper
 *     call pc+2, call pc+2#name, call local name, call name      a function of the program
 *     call kfunc bpf_rcu_read_lock#1234 [idx:1], call kfunc 1234, 1
 *     callx r3, call %r3                                         an address
 */
export function parseCall(reader: TokenReader): ParsedInstruction {
  const indirect = reader.next().text === "callx";
  if (indirect || seesRegister(reader)) {
    return parsedAs({ kind: "call", target: "register" }, { dst: readRegisterOf(reader, 64) });
  }
  const following = reader.peek(1);
  if (reader.sees("local") && following.kind !== "end" && following.text !== "#") {
    reader.next();
    return readLocal(reader);
  }
  if (reader.sees("kfunc") && following.kind !== "end" && following.text !== "#") {
    reader.next();
    return readKfunc(reader);
  }
  if (reader.sees("pc")) return readLocal(reader);
  if (reader.seesExpression()) {
    return parsedAs({ kind: "call", target: "helper" }, { imm: readImmediate(reader, "a helper's number") });
  }
  const token = reader.word("a helper, a function of the program, or a register");
  if (!seesNumberSign(reader)) {
    return parsedAs({ kind: "call", target: "local" }, {}, { token, name: token.text, use: "callee" });
  }
  reader.next();
  return parsedAs({ kind: "call", target: "helper" }, { imm: readImmediate(reader, "a helper's number") });
}

function seesNumberSign(reader: TokenReader): boolean {
  return reader.sees("#") && !reader.current.spaced;
}

function readLocal(reader: TokenReader): ParsedInstruction {
  const { distance, named } = readTarget(reader, 32);
  // bpftool puts the function's name behind the distance.
  if (named === undefined && seesNumberSign(reader)) {
    reader.next();
    reader.word("a function's name");
  }
  return parsedAs({ kind: "call", target: "local" }, distance === undefined ? {} : { imm: distance }, named);
}

function readKfunc(reader: TokenReader): ParsedInstruction {
  if (!reader.seesExpression()) {
    reader.word("a kernel function's name or BTF id");
    if (!seesNumberSign(reader)) reader.fail('"#" and its BTF id');
    reader.next();
  }
  const operands: Partial<Record<keyof Instruction, number>> = { imm: readImmediate(reader, "a BTF id") };
  const bracket = reader.accept("[");
  if (bracket) {
    reader.expect("idx");
    reader.expect(":");
  }
  if (bracket || reader.accept(",")) {
    const token = reader.current;
    const index = reader.expression("the BTF's index among the program's fds");
    if (index < -32768n || index > 32767n) reader.fail("an index of 16 bits", token);
    operands.offset = Number(index);
  }
  if (bracket) reader.expect("]");
  return parsedAs({ kind: "call", target: "kfunc" }, operands);
}
