import { insn, lddw, load, mov, movReg, R0, R6 } from "./instructions.mjs";

const operations = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xc0];
const masks = [1, 3, 7, 15, 31, 63, 255, 0xfff, 0xffff, -2, -4, -8, -16, 0x7fffffff, 0x80, 0x8000];

/** A scalar out of nothing: a constant, a helper, the context, a copy. */
export function newScalar(b) {
  const { random } = b;
  const dst = b.target();
  const scalar = { kind: "scalar" };
  switch (random.below(8)) {
    case 0:
      b.push(mov(dst, b.imm()));
      break;
    case 1:
      b.push(insn(0xb4, dst, 0, 0, b.imm()));
      break;
    case 2:
      b.push(lddw(dst, 0, b.imm(), b.imm()));
      break;
    case 3:
      b.call(random.pick([7, 5, 8, 7]), scalar);
      return;
    case 4: {
      const field = b.program.readable;
      if (field.length === 0 || b.registers[R6]?.kind !== "ctx") {
        b.push(mov(dst, b.imm()));
        break;
      }
      const { offset, size } = random.pick(field);
      b.push(load(size, dst, R6, offset));
      break;
    }
    default: {
      const src = b.scalar();
      const form = random.below(8);
      if (form === 0) b.push(insn(0xbc, dst, src));
      else if (form === 1) b.push(insn(0xbf, dst, src, random.pick([8, 16, 32])));
      else if (form === 2) b.push(insn(0xbc, dst, src, random.pick([8, 16])));
      else b.push(movReg(dst, src));
    }
  }
  b.set(dst, scalar);
}

/** Arithmetic on scalars. */
export function arithmetic(b) {
  const { random } = b;
  const dst = b.scalar();
  const operation = random.pick(operations);
  const is64 = random.chance(0.6);
  const kind = is64 ? 7 : 4;
  if (random.chance(0.06)) {
    b.push(
      random.chance(0.5)
        ? insn(0x80 | kind, dst)
        : insn(random.pick([0xd4, 0xdc, 0xd7]), dst, 0, 0, random.pick([16, 32, 64])),
    );
    return;
  }
  const divides = operation === 0x30 || operation === 0x90;
  const offset = divides && random.chance(0.35) ? 1 : 0;
  if (random.chance(0.45)) {
    b.push(insn(operation | 8 | kind, dst, b.scalar(), offset));
    return;
  }
  let imm = b.imm();
  const shifts = operation === 0x60 || operation === 0x70 || operation === 0xc0;
  if (shifts && !b.mistake()) imm = random.below(is64 ? 64 : 32);
  if (operation === 0x50 && random.chance(0.6)) imm = random.pick(masks);
  if (divides && imm === 0 && !b.mistake()) imm = 3;
  b.push(insn(operation | kind, dst, 0, offset, imm));
}

/** The shapes in which compilers bound an index. */
export function bounded(b, most) {
  const { random } = b;
  const index = b.scalar();
  switch (random.below(6)) {
    case 0:
      b.push(insn(random.pick([0x57, 0x54]), index, 0, 0, most));
      break;
    case 1:
      b.push(insn(random.pick([0x97, 0x94]), index, 0, 0, most + 1));
      break;
    case 2: {
      const bits = 32 - Math.clz32(most);
      b.push(insn(0x77, index, 0, 0, 64 - Math.max(1, bits)));
      break;
    }
    case 3:
      b.push(insn(random.pick([0xb5, 0xb6]), index, 0, 1, most), mov(index, random.below(most + 1)));
      break;
    case 4:
      b.push(
        insn(random.pick([0x65, 0x66]), index, 0, 1, most),
        insn(random.pick([0x75, 0x76]), index, 0, 1, 0),
        mov(index, most),
      );
      break;
    default:
      b.push(insn(0x54, index, 0, 0, most));
  }
  if (index === R0) b.set(R0, { kind: "scalar" });
  return index;
}
