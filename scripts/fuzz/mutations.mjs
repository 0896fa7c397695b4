// Mutations of programs that a compiler made: changes in place, so that jumps, references and records stay where they are.
import { decode, encode, insn } from "./instructions.mjs";
import { edges } from "./random.mjs";

const LDDW = 0x18;
const CALL = 0x85;
const EXIT = 0x95;

/** Slots that can be changed on their own: no reference, no half of a lddw. */
function changeable(code, program) {
  const fixed = new Set(program.references.map(({ slot }) => slot));
  const slots = [];
  for (let slot = 0; slot < code.length; slot++) {
    const isLddw = code[slot].opcode === LDDW;
    if (!fixed.has(slot) && !isLddw) slots.push(slot);
    if (isLddw) slot++;
  }
  return slots;
}

const isJump = ({ opcode }) => (opcode & 7) === 5 || (opcode & 7) === 6;
const isConditional = (one) => isJump(one) && ![0x00, 0x80, 0x90].includes(one.opcode & 0xf0);
const isAlu = ({ opcode }) => (opcode & 7) === 4 || (opcode & 7) === 7;
const isMemory = ({ opcode }) => (opcode & 7) >= 1 && (opcode & 7) <= 3;
const nop = () => insn(0x05, 0, 0, 0, 0);

const conditions = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const operations = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];

/** Each takes the code, one slot of it that may be changed, all such slots, and answers whether it did something. */
const mutations = [
  [4, "operands swapped", (code, slot) => changeOne(code, slot, ({ dst, src }) => ({ dst: src, src: dst }))],
  [6, "another register", replaceRegister],
  [6, "another immediate", changeImmediate],
  [6, "another offset", changeOffset],
  [5, "left out", (code, slot) => changeOne(code, slot, nop)],
  [3, "done twice", (code, slot, slots) => copyTo(code, slot, slots, slot + 1)],
  [2, "copied elsewhere", (code, slot, slots, random) => copyTo(code, slot, slots, random.pick(slots))],
  [3, "swapped with the next", swapWithNext],
  [6, "another condition", changeCondition],
  [4, "another operation", changeOperation],
  [3, "another width", changeWidth],
  [
    1,
    "a bit of the opcode",
    (code, slot, _, random) => changeOne(code, slot, ({ opcode }) => ({ opcode: opcode ^ (1 << random.below(8)) })),
  ],
];

function changeOne(code, slot, change) {
  Object.assign(code[slot], change(code[slot]));
  return true;
}

function replaceRegister(code, slot, _, random) {
  const field = random.chance(0.5) ? "dst" : "src";
  if (field === "src" && (code[slot].opcode === CALL || ((code[slot].opcode & 8) === 0 && !isMemory(code[slot]))))
    return false;
  code[slot][field] = random.below(11);
  return true;
}

function changeImmediate(code, slot, _, random) {
  const one = code[slot];
  const takes = ((isAlu(one) || isConditional(one)) && (one.opcode & 8) === 0) || (one.opcode & 7) === 2;
  if (!takes) return false;
  one.imm = random.chance(0.5) ? (one.imm + random.pick([1, -1, 2, 4, -4, 8, -8])) | 0 : random.pick(edges);
  return true;
}

function changeOffset(code, slot, _, random) {
  const one = code[slot];
  if (!isMemory(one) && !isJump(one)) return false;
  if (one.opcode === CALL || one.opcode === EXIT) return false;
  const by = isJump(one) ? random.pick([1, -1, 2, 5, -3]) : random.pick([1, -1, 2, 4, -4, 8, -8, 16, 64]);
  one.offset = Math.max(-32768, Math.min(32767, one.offset + by));
  return true;
}

function copyTo(code, slot, slots, to) {
  if (!slots.includes(to) || to === slot || isJump(code[slot])) return false;
  code[to] = { ...code[slot] };
  return true;
}

function swapWithNext(code, slot, slots) {
  if (!slots.includes(slot + 1) || isJump(code[slot]) || isJump(code[slot + 1])) return false;
  [code[slot], code[slot + 1]] = [code[slot + 1], code[slot]];
  return true;
}

function changeCondition(code, slot, _, random) {
  if (!isConditional(code[slot])) return false;
  code[slot].opcode = (code[slot].opcode & 0x0f) | random.pick(conditions);
  return true;
}

function changeOperation(code, slot, _, random) {
  if (!isAlu(code[slot])) return false;
  code[slot].opcode = (code[slot].opcode & 0x0f) | random.pick(operations);
  return true;
}

function changeWidth(code, slot, _, random) {
  const one = code[slot];
  if (isMemory(one)) one.opcode = (one.opcode & ~0x18) | random.pick([0x00, 0x08, 0x10, 0x18]);
  else if (isAlu(one)) one.opcode ^= 3;
  else if (isConditional(one)) one.opcode ^= 3;
  else return false;
  return true;
}

/** A program with one to three changes, and what they are: `{ program, changes }`. */
export function mutateProgram(program, random) {
  const code = decode(program.insns);
  const slots = changeable(code, program);
  const changes = [];
  const wanted = random.chance(0.7) ? 1 : 1 + random.below(3);
  for (let attempt = 0; changes.length < wanted && attempt < 50 && slots.length > 0; attempt++) {
    const slot = random.pick(slots);
    const [, name, apply] = random.weighted(mutations.map((entry) => [entry[0], entry]));
    if (apply(code, slot, slots, random)) changes.push(`${name} at ${slot}`);
  }
  return { program: { ...program, insns: encode(code) }, changes };
}
