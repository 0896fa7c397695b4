// Random programs that get past the first instruction: pieces of what compilers make (packet parsing, map lookups,
// spills, branches, loops, calls), put together at random, with a mistake now and then.

const [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** A small, fast generator with a seed (mulberry32), so that every program can be made again. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    below: (n) => Math.floor(next() * n),
    chance: (p) => next() < p,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

function insn(opcode, dst = 0, src = 0, offset = 0, imm = 0) {
  return { opcode, dst, src, offset, imm };
}
const mov = (dst, imm) => insn(0xb7, dst, 0, 0, imm);
const movReg = (dst, src) => insn(0xbf, dst, src);
const call = (id) => insn(0x85, 0, 0, 0, id);
const exit = () => insn(0x95);
const lddw = (dst, src, low, high = 0) => [insn(0x18, dst, src, 0, low), insn(0, 0, 0, 0, high)];

const interesting = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 255, 256, 0x7fff, 0xffff, 0x7fffffff, -1, -2, -8, -128, -0x80000000,
];

class Builder {
  constructor(random, type) {
    this.random = random;
    this.type = type;
    this.code = [];
    /** Registers that hold scalars, by what the generator knows. */
    this.scalars = new Set();
    this.spills = [];
    this.functions = 0;
  }

  push(...insns) {
    this.code.push(...insns.flat());
  }

  imm() {
    const { random } = this;
    if (random.chance(0.5)) return random.pick(interesting);
    return random.chance(0.5) ? random.below(64) : random.below(0x100000000) | 0;
  }

  scalar() {
    if (this.random.chance(0.002)) return this.random.below(10);
    const list = [...this.scalars];
    if (list.length > 0) return this.random.pick(list);
    this.push(mov(R9, this.imm()));
    this.set(R9);
    return R9;
  }

  target() {
    return this.random.pick([R0, R1, R2, R3, R4, R5, R7, R8, R9]);
  }

  set(register) {
    this.scalars.add(register);
  }

  forgetCallerSaved() {
    for (const register of [R0, R1, R2, R3, R4, R5]) this.scalars.delete(register);
  }
}

const aluOperations = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xc0];
const jumps = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];

function newScalar(b) {
  const { random } = b;
  const dst = b.target();
  switch (random.below(6)) {
    case 0:
      b.push(mov(dst, b.imm()));
      break;
    case 1:
      b.push(insn(0xb4, dst, 0, 0, b.imm()));
      break;
    case 2:
      b.push(lddw(dst, 0, b.imm(), b.imm()));
      break;
    case 3: {
      b.push(call(random.pick([7, 5, 8])));
      b.forgetCallerSaved();
      b.set(R0);
      return;
    }
    case 4:
      b.push(insn(0x61, dst, R6, random.pick(b.type === "xdp" ? [12, 16] : [0, 4, 8, 16, 32, 36, 40])));
      break;
    default: {
      const src = b.scalar();
      const form = random.below(6);
      if (form === 0) b.push(insn(0xbc, dst, src));
      else if (form === 1) b.push(insn(0xbf, dst, src, random.pick([8, 16, 32])));
      else if (form === 2) b.push(insn(0xbc, dst, src, random.pick([8, 16])));
      else b.push(movReg(dst, src));
    }
  }
  b.set(dst);
}

function alu(b) {
  const { random } = b;
  const dst = b.scalar();
  const operation = random.pick(aluOperations);
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
  if (random.chance(0.45)) {
    const src = b.scalar();
    b.push(insn(operation | 8 | kind, dst, src));
    return;
  }
  let imm = b.imm();
  if (operation === 0x60 || operation === 0x70 || operation === 0xc0) imm = random.below(is64 ? 64 : 32);
  if ((operation === 0x30 || operation === 0x90) && imm === 0) imm = 3;
  b.push(insn(operation | kind, dst, 0, 0, imm));
}

function branch(b, depth) {
  const { random } = b;
  const is32 = random.chance(0.35);
  const operation = random.pick(jumps);
  const at = b.code.length;
  if (random.chance(0.35)) b.push(insn(operation | 8 | (is32 ? 6 : 5), b.scalar(), b.scalar()));
  else b.push(insn(operation | (is32 ? 6 : 5), b.scalar(), 0, 0, b.imm()));
  const before = new Set(b.scalars);
  block(b, 1 + random.below(4), depth + 1);
  const then = b.scalars;
  if (random.chance(0.4)) {
    const over = b.code.length;
    b.push(insn(0x05));
    b.code[at].offset = b.code.length - at - 1;
    b.scalars = new Set(before);
    block(b, 1 + random.below(3), depth + 1);
    b.code[over].offset = b.code.length - over - 1;
  } else {
    b.code[at].offset = b.code.length - at - 1;
    b.scalars = new Set(before);
  }
  b.scalars = new Set([...b.scalars].filter((register) => then.has(register)));
}

function spillOrFill(b) {
  const { random } = b;
  const slot = -8 * (1 + random.below(6));
  const opcode = random.pick([0x7b, 0x7b, 0x63, 0x6b, 0x73]);
  const sizes = { 123: 8, 99: 4, 107: 2, 115: 1 };
  if (random.chance(0.5) || b.spills.length === 0) {
    const inside = opcode === 0x7b ? 0 : sizes[opcode] * random.below(8 / sizes[opcode]);
    if (random.chance(0.2)) b.push(insn(opcode & ~1, FP, 0, slot + inside, b.imm()));
    else b.push(insn(opcode, FP, b.scalar(), slot + inside));
    b.spills.push(slot);
    return;
  }
  const load = random.pick([0x79, 0x79, 0x61, 0x69, 0x71, 0x81, 0x89, 0x91]);
  const loadSizes = { 121: 8, 97: 4, 105: 2, 113: 1, 129: 4, 137: 2, 145: 1 };
  const size = loadSizes[load];
  const dst = b.target();
  b.push(insn(load, dst, FP, random.pick(b.spills) + (random.chance(0.7) ? 0 : size * random.below(8 / size))));
  b.set(dst);
}

function mapAccess(b) {
  const { random } = b;
  const fd = random.pick([100, 101]);
  b.push(mov(R1, random.chance(0.7) ? random.below(3) : b.imm()));
  if (random.chance(0.3) && b.scalars.size > 0) b.push(movReg(R1, b.scalar()));
  b.push(insn(0x63, FP, R1, -4), movReg(R2, FP), insn(0x07, R2, 0, 0, -4), lddw(R1, 1, fd), call(1));
  b.forgetCallerSaved();
  const at = b.code.length;
  const checked = random.chance(0.985);
  if (checked) b.push(insn(0x15, R0, 0, 0, 0));
  const size = random.pick([1, 2, 4, 8]);
  const load = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 }[size];
  if (random.chance(0.5) && b.scalars.size > 0) {
    const index = b.scalar();
    if (random.chance(0.85)) b.push(insn(random.pick([0x57, 0x54]), index, 0, 0, random.pick([7, 15, 31, 63])));
    b.push(insn(0x0f, R0, index));
  }
  const offset = random.chance(0.85)
    ? size * random.below(Math.floor(48 / size) + 1) - (random.chance(0.1) ? size : 0)
    : random.below(56);
  const dst = b.target();
  switch (random.below(4)) {
    case 0:
      b.push(insn({ 1: 0x72, 2: 0x6a, 4: 0x62, 8: 0x7a }[size], R0, 0, offset, b.imm()));
      break;
    case 1:
      b.push(insn({ 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b }[size], R0, b.scalar(), offset));
      break;
    case 2:
      b.push(
        insn(
          random.pick([0xdb, 0xc3]),
          R0,
          b.scalar(),
          random.pick([0, 8, 16]),
          random.pick([0x00, 0x01, 0x40, 0x51, 0xa1, 0xe1]),
        ),
      );
      break;
    default:
      b.push(insn(load, dst, R0, offset));
      b.set(dst);
  }
  if (checked) b.code[at].offset = b.code.length - at - 1;
  // The other path has a null pointer in r0 and may lack what was loaded.
  b.scalars.delete(dst);
  b.scalars.delete(R0);
  if (random.chance(0.8)) {
    b.push(mov(R0, 0));
    b.set(R0);
  }
}

function packetAccess(b) {
  const { random } = b;
  const [data, end] = b.type === "xdp" ? [0, 4] : [76, 80];
  const ahead = random.below(40);
  const slack = random.chance(0.9) ? 0 : 1;
  b.push(insn(0x61, R2, R6, data), insn(0x61, R3, R6, end));
  for (const register of [R1, R2, R3, R4, R5]) b.scalars.delete(register);
  if (random.chance(0.4) && b.scalars.size > 0) {
    const index = b.scalar();
    b.push(movReg(R5, index));
    if (random.chance(0.9)) b.push(insn(0x57, R5, 0, 0, random.pick([15, 60, 255, 0xfff])));
    b.push(insn(0x0f, R2, R5));
  }
  b.push(movReg(R4, R2), insn(0x07, R4, 0, 0, ahead));
  const at = b.code.length;
  const form = random.below(4);
  const skips = form < 2;
  if (form === 0) b.push(insn(0x2d, R4, R3));
  else if (form === 1) b.push(insn(random.pick([0xad, 0xbd]), R3, R4));
  else if (form === 2) b.push(insn(random.pick([0xbd, 0xad]), R4, R3, 1), insn(0x05));
  else b.push(insn(0x3d, R3, R4, 1), insn(0x05));
  const jump = skips ? at : b.code.length - 1;
  const size = random.pick([1, 2, 4, 8]);
  const offset = Math.max(0, ahead - size - (random.chance(0.5) ? random.below(8) : 0)) + slack;
  if (random.chance(0.25)) b.push(insn({ 1: 0x72, 2: 0x6a, 4: 0x62, 8: 0x7a }[size], R2, 0, offset, b.imm()));
  else {
    b.push(insn({ 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 }[size], random.pick([R7, R8, R9]), R2, offset));
  }
  b.code[jump].offset = b.code.length - jump - 1;
  b.scalars.delete(R7);
  b.scalars.delete(R8);
  b.scalars.delete(R9);
  for (const register of [R7, R8, R9]) {
    if (random.chance(0.7)) {
      b.push(mov(register, random.below(100)));
      b.set(register);
    }
  }
}

function loop(b, depth) {
  const { random } = b;
  const counter = random.pick([R7, R8, R9]);
  b.push(mov(counter, 0));
  b.scalars.delete(counter);
  const start = b.code.length;
  const outside = new Set(b.scalars);
  block(b, 1 + random.below(2), depth + 2);
  // What the body lost has to be there in the next round.
  for (const register of outside) {
    if (b.scalars.has(register)) continue;
    b.push(mov(register, b.imm()));
    b.set(register);
  }
  const rounds = random.chance(0.9) ? 2 + random.below(12) : b.imm();
  b.push(insn(0x07, counter, 0, 0, 1));
  b.push(insn(random.pick([0xa5, 0x55, 0xc5]), counter, 0, start - b.code.length - 1, rounds));
  b.scalars = new Set([...outside].filter((register) => b.scalars.has(register)));
  b.set(counter);
}

function subprogramCall(b) {
  const { random } = b;
  for (let i = 1; i <= 1 + random.below(3); i++) {
    if (b.scalars.size > 0) b.push(movReg(i, b.scalar()));
    else b.push(mov(i, b.imm()));
    b.set(i);
  }
  if (random.chance(0.3)) b.push(movReg(R2, FP), insn(0x07, R2, 0, 0, -8 * (1 + random.below(4))));
  const wanted = random.below(Math.min(2, b.functions + 1));
  b.functions = Math.max(b.functions, wanted + 1);
  b.push({ ...insn(0x85, 0, 1, 0, 0), function: wanted });
  b.forgetCallerSaved();
  b.set(R0);
}

function stackPointer(b) {
  const { random } = b;
  if (b.scalars.size === 0) return;
  const index = b.scalar();
  const dst = b.target();
  b.scalars.delete(dst);
  b.push(movReg(dst, FP));
  b.push(insn(0x57, index, 0, 0, random.pick([3, 7, 8, 15])), insn(0x0f, dst, index), insn(0x07, dst, 0, 0, -32));
  if (dst === index) return;
  if (random.chance(0.5)) b.push(insn(random.pick([0x72, 0x73]), dst, random.chance(0.9) ? b.scalar() : 0, 0, 0));
  else {
    b.push(insn(0x71, R1, dst));
    b.set(R1);
  }
}

function block(b, length, depth) {
  const { random } = b;
  for (let i = 0; i < length && b.code.length < 220; i++) {
    if (b.scalars.size === 0) newScalar(b);
    if (b.scalars.size === 0) b.scalar();
    const kind = random.below(100);
    if (kind < 26) newScalar(b);
    else if (kind < 56) alu(b);
    else if (kind < 68 && depth < 4) branch(b, depth);
    else if (kind < 80) spillOrFill(b);
    else if (kind < 86) mapAccess(b);
    else if (kind < 90 && b.type !== "socket_filter") packetAccess(b);
    else if (kind < 93 && depth < 2) loop(b, depth);
    else if (kind < 96 && !b.inner) subprogramCall(b);
    else stackPointer(b);
  }
}

function finish(b) {
  if (!b.scalars.has(R0) || b.random.chance(0.3)) b.push(mov(R0, b.random.below(3)));
  b.push(exit());
}

/** One random program: its type and its bytes. */
export function generateProgram(seed) {
  const random = randomFrom(seed);
  const type = random.pick(["socket_filter", "xdp", "sched_cls"]);
  const b = new Builder(random, type);
  b.push(movReg(R6, R1));
  block(b, 4 + random.below(14), 0);
  finish(b);
  const starts = [];
  for (let i = 0; i < b.functions; i++) {
    starts.push(b.code.length);
    b.scalars = new Set([R1, R7]);
    b.inner = true;
    b.spills = [];
    // The context is not in r6 here.
    b.push(movReg(R6, R1), movReg(R7, R1), mov(R0, b.imm()));
    b.set(R0);
    for (let k = 0; k < 2 + random.below(4); k++)
      random.chance(0.5) ? alu(b) : random.chance(0.5) ? spillOrFill(b) : branchOnly(b);
    finish(b);
  }
  b.code.forEach((instruction, slot) => {
    if (instruction.function !== undefined) instruction.imm = starts[instruction.function] - slot - 1;
  });
  if (random.chance(0.1)) mutate(b.code, random);
  return { type, insns: encode(b.code) };
}

function branchOnly(b) {
  b.push(insn(b.random.pick(jumps) | 5, b.scalar(), 0, 1, b.imm()), mov(R0, b.imm()));
}

function mutate(code, random) {
  const victim = code[random.below(code.length)];
  switch (random.below(5)) {
    case 0:
      victim.dst = random.below(11);
      break;
    case 1:
      victim.src = random.below(11);
      break;
    case 2:
      victim.offset += random.below(9) - 4;
      break;
    case 3:
      victim.imm = random.pick(interesting);
      break;
    default:
      victim.opcode ^= 1 << random.below(8);
  }
}

function encode(code) {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(({ opcode, dst, src, offset, imm }, slot) => {
    bytes[8 * slot] = opcode;
    bytes[8 * slot + 1] = (src << 4) | dst;
    view.setInt16(8 * slot + 2, offset, true);
    view.setInt32(8 * slot + 4, imm, true);
  });
  return bytes;
}
