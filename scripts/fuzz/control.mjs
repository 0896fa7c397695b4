import { addImm, insn, mov, R0, R7, R8, R9 } from "./instructions.mjs";

const jumps = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];

/** A conditional jump with its offset still open; answers its place. */
function jump(b) {
  const { random } = b;
  const kind = random.chance(0.35) ? 6 : 5;
  const operation = random.pick(jumps);
  if (random.chance(0.35)) b.push(insn(operation | 8 | kind, b.scalar(), b.scalar()));
  else {
    const pointers = ["value", "stack", "packet", "ctx", "mem"].flatMap((what) => b.all(what));
    const dst = b.mistake(5) && pointers.length > 0 ? random.pick(pointers) : b.scalar();
    b.push(insn(operation | kind, dst, 0, 0, b.imm()));
  }
  return b.length - 1;
}

/** if, if-else, or leaving early. */
export function branch(b, depth, block) {
  const { random } = b;
  const at = jump(b);
  const before = b.snapshot();
  if (random.chance(0.2)) {
    b.leave();
    b.code[at].offset = b.length - at - 1;
    b.restore(before);
    return;
  }
  block(b, 1 + random.below(4), depth + 1);
  const then = b.snapshot();
  if (random.chance(0.4)) {
    const over = b.length;
    b.push(insn(random.chance(0.05) ? 0x06 : 0x05));
    b.code[at].offset = b.length - at - 1;
    b.restore(before);
    block(b, 1 + random.below(3), depth + 1);
    patch(b.code[over], b.length - over - 1);
  } else {
    b.code[at].offset = b.length - at - 1;
    b.restore(before);
  }
  b.meet(then);
  b.references = before.references;
}

/** The 32-bit goto has its distance in the immediate. */
function patch(instruction, distance) {
  if (instruction.opcode === 0x06) instruction.imm = distance;
  else instruction.offset = distance;
}

/** A loop that counts, or that may_goto ends. */
export function loop(b, depth, block) {
  const { random } = b;
  if (b.references.length > 0) return;
  const counter = random.pick([R7, R8, R9]);
  if (b.registers[counter]?.reference !== undefined) return;
  const counts = random.chance(0.75);
  const up = random.chance(0.8);
  if (counts) b.push(mov(counter, up ? 0 : 2 + random.below(12)));
  b.set(counter, counts ? { kind: "busy" } : b.registers[counter]);
  const outside = b.snapshot();
  const start = b.length;
  const may = counts && random.chance(0.8) ? -1 : b.length;
  if (may >= 0) b.push(insn(0xe5));
  block(b, 1 + random.below(3), depth + 2);
  mend(b, outside);
  if (counts) {
    const rounds = random.chance(0.9) ? 2 + random.below(12) : b.imm();
    b.push(addImm(counter, up ? 1 : -1));
    const distance = start - b.length - 1;
    if (random.chance(0.2)) b.push(insn(0x1d | 0x08, counter, b.scalar(), distance));
    else
      b.push(
        insn(random.pick(up ? [0xa5, 0x55, 0xc5, 0xa6] : [0x55, 0x25, 0x65]), counter, 0, distance, up ? rounds : 0),
      );
  } else b.push(insn(0x05, 0, 0, start - b.length - 1));
  if (may >= 0) b.code[may].offset = b.length - may - 1;
  b.meet(outside);
  if (counts) b.set(counter, { kind: "scalar" });
}

/** What the body lost has to be there in the next round: scalars are made again, the rest is given up by the meet. */
function mend(b, outside) {
  outside.registers.forEach((what, register) => {
    if (what?.kind !== "scalar" || b.registers[register]?.kind === "scalar") return;
    b.push(mov(register, b.imm()));
    b.set(register, { kind: "scalar" });
  });
}

export function end(b) {
  b.leave();
  b.forget(R0);
}
