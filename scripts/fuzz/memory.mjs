import { mapFd, mapKinds } from "./environment.mjs";
import {
  addImm,
  addReg,
  atomic,
  FP,
  insn,
  lddw,
  load,
  loadSigned,
  mov,
  movReg,
  R0,
  R6,
  store,
  storeImm,
} from "./instructions.mjs";
import { bounded } from "./scalars.mjs";

const atomics = [0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1];
const scalar = { kind: "scalar" };

/** A load, store or atomic through `base`, of what the memory there allows. */
export function access(b, base, low, size, { write = true, read = true, atomics: mayBeAtomic = true } = {}) {
  const { random } = b;
  const width = random.pick([1, 2, 4, 8].filter((w) => w <= Math.max(1, size)));
  let offset = low;
  if (size > width)
    offset += random.chance(0.8)
      ? width * random.below(Math.floor((size - width) / width) + 1)
      : random.below(size - width + 1);
  if (b.mistake(3)) offset += random.pick([-width, width, size, -1, 1]);
  const form = random.below(10);
  if (write && form < 2) b.push(storeImm(width, base, offset, b.imm()));
  else if (write && form < 5) b.push(store(width, base, b.scalarBut(base), offset));
  else if (write && mayBeAtomic && form < 6) {
    const wide = random.pick([4, 8]);
    const src = b.scalarBut(base);
    const operation = random.pick(atomics);
    b.push(atomic(wide, base, src, low + wide * random.below(Math.max(1, Math.floor(size / wide))), operation));
  } else if (write && mayBeAtomic && form === 6 && random.chance(0.3)) {
    // Acquiring load and releasing store.
    if (random.chance(0.5)) {
      const dst = b.targetBut(base);
      b.push(insn(0xc3 | { 1: 0x10, 2: 8, 4: 0, 8: 0x18 }[width], dst, base, offset, 0x100));
      b.set(dst, scalar);
    } else b.push(insn(0xc3 | { 1: 0x10, 2: 8, 4: 0, 8: 0x18 }[width], base, b.scalarBut(base), offset, 0x110));
  } else if (read) {
    const dst = b.targetBut(base);
    b.push(random.chance(0.15) && width < 8 ? loadSigned(width, dst, base, offset) : load(width, dst, base, offset));
    b.set(dst, scalar);
  }
}

/** Moves a pointer by a bounded scalar or a constant before it is used; answers how many bytes are left behind it. */
export function shift(b, pointer, size) {
  const { random } = b;
  if (size < 8 || random.chance(0.5)) return size;
  if (random.chance(0.3)) {
    const by = random.below(size);
    b.push(addImm(pointer, by));
    return size - by;
  }
  const most = random.pick([1, 3, 7, 15, 31, 63].filter((m) => m < size));
  const held = b.registers[pointer];
  b.set(pointer, { kind: "busy" });
  const index = bounded(b, most);
  b.set(pointer, held);
  if (index === pointer) return size;
  b.push(addReg(pointer, index));
  if (b.mistake(3)) b.push(insn(random.pick([0x1f, 0x0c, 0x4f, 0x5f]), pointer, index));
  return size - most;
}

export function spillOrFill(b) {
  const { random } = b;
  const filled = [...b.slots.keys()];
  if (filled.length > 0 && random.chance(0.4)) {
    const offset = random.pick(filled);
    const what = b.slots.get(offset);
    const dst = b.targetBut();
    if (what.kind === "scalar" && random.chance(0.4)) {
      const width = random.pick([1, 2, 4]);
      const at = offset + (random.chance(0.6) ? 0 : width * random.below(8 / width));
      b.push(random.chance(0.3) ? loadSigned(width, dst, FP, at) : load(width, dst, FP, at));
      b.set(dst, scalar);
    } else {
      b.push(load(8, dst, FP, offset));
      b.set(dst, what);
    }
    return;
  }
  const offset = -8 * (1 + random.below(random.chance(0.98) ? 16 : 70));
  const live = b.registers.flatMap((what, i) => (what === undefined || i === FP ? [] : [i]));
  const src = live.length > 0 ? random.pick(live) : b.scalar();
  const what = b.registers[src];
  if (what?.kind === "scalar" && random.chance(0.3)) {
    const width = random.pick([1, 2, 4]);
    const inside = width * random.below(8 / width);
    b.push(random.chance(0.3) ? storeImm(width, FP, offset + inside, b.imm()) : store(width, FP, src, offset + inside));
    if (inside === 0 && b.written.has(offset)) b.slots.set(offset, scalar);
    else b.slots.delete(offset);
    return;
  }
  b.push(store(8, FP, src, offset));
  b.slots.set(offset, what ?? scalar);
  b.written.add(offset);
}

/** The stack at an offset that varies. */
export function variableStack(b) {
  const { random } = b;
  const offset = b.stackArea(32);
  const dst = b.targetBut();
  b.stackPointer(dst, offset);
  const left = shift(b, dst, 32);
  for (let at = offset; at < offset + 32; at += 8) b.slots.delete(at);
  access(b, dst, 0, left, { atomics: random.chance(0.2) });
  if (random.chance(0.7)) b.forget(dst);
}

/** A pointer to a map's value: looked up, or by its address. */
export function mapValue(b) {
  const { random } = b;
  if (random.chance(0.25)) {
    const name = b.mistake(5)
      ? random.pick(["array", "lockedArray", "timed", "hash"])
      : random.pick(["single", "constants"]);
    const size = mapKinds[name].valueSize;
    const offset = random.chance(0.6) ? 0 : random.below(size);
    const dst = b.targetBut();
    b.push(lddw(dst, 2, mapFd[name], offset));
    useValue(b, dst, name, size - offset);
    return;
  }
  const name = random.pick([
    "array",
    "hash",
    "single",
    "percpuArray",
    "percpuHash",
    "lru",
    "lpm",
    "array",
    "hash",
    "locked",
    "lockedArray",
    "timed",
    "writeOnly",
    "constants",
    "arrayOfMaps",
    "hashOfMaps",
    "devices",
    "xsks",
    "sockets",
  ]);
  if (!b.program.typedMaps && (name.startsWith("locked") || name === "timed") && !b.mistake()) return;
  const { keySize } = mapKinds[name];
  key(b, keySize);
  b.push(lddw(1, 1, mapFd[name]));
  b.call(1, undefined);
  if (name === "arrayOfMaps" || name === "hashOfMaps") {
    innerLookup(b);
    return;
  }
  if (["devices", "xsks", "sockets"].includes(name)) {
    b.push(insn(0x55, R0, 0, 2, 0), mov(R0, 0), insn(0x95));
    b.forget(R0);
    return;
  }
  notNull(b, R0, () => useValue(b, R0, name, mapKinds[name].valueSize));
}

/** A key on the stack, its address in r2. */
export function key(b, size) {
  const { random } = b;
  if (size === 4 && random.chance(0.6)) {
    const offset = -8 * (1 + random.below(10)) + 4 * random.below(2);
    if (random.chance(0.6)) b.push(storeImm(4, FP, offset, random.chance(0.8) ? random.below(4) : b.imm()));
    else b.push(store(4, FP, b.scalar(), offset));
    b.slots.delete(offset & ~7);
    b.stackPointer(2, offset);
    return;
  }
  b.stackPointer(2, b.stackArea(size));
}

/** Runs `then` where the pointer is not null: the rest of the program, or a branch. */
export function notNull(b, register, then) {
  const { random } = b;
  if (b.mistake(3)) {
    then();
    return;
  }
  if (random.chance(0.4) && b.references.length === 0 && !b.locked) {
    // Leaves where it is null.
    const at = b.length;
    b.push(insn(random.chance(0.9) ? 0x55 : 0x56, register, 0, 0, 0));
    b.push(mov(R0, b.random.below(2)), insn(0x95));
    b.code[at].offset = b.length - at - 1;
    then();
    return;
  }
  const at = b.length;
  b.push(insn(0x15, register, 0, 0, 0));
  const before = b.snapshot();
  then();
  b.releaseAll();
  b.code[at].offset = b.length - at - 1;
  before.registers[register] = scalar;
  b.meet(before);
  b.references = before.references;
}

function innerLookup(b) {
  const at = b.length;
  b.push(insn(0x15, R0, 0, 0, 0), movReg(1, R0));
  const before = b.snapshot();
  key(b, 4);
  b.push(b.mistake(3) ? movReg(1, R6) : insn(0xbf, 1, 1));
  b.call(1, undefined);
  notNull(b, R0, () => useValue(b, R0, "inner", 8));
  b.code[at].offset = b.length - at - 1;
  b.meet(before);
}

function useValue(b, register, name, size) {
  const { random } = b;
  b.set(register, { kind: "value", size, name });
  const plain = name !== "locked" && name !== "lockedArray" && name !== "timed";
  const times = 1 + random.below(3);
  const from = b.targetBut(register, R6);
  if (random.chance(0.5)) {
    b.push(movReg(from, register));
    b.set(from, { kind: "busy" });
  }
  let left = size;
  if (random.chance(0.6)) left = shift(b, register, size);
  for (let i = 0; i < times && b.registers[register]?.kind === "value"; i++) {
    const rights = {
      write: name !== "constants" || b.mistake(3),
      read: name !== "writeOnly" || b.mistake(3),
      atomics: name !== "constants" && name !== "writeOnly",
    };
    // Locks and timers are not to be touched, mostly.
    if (!plain && left === size && !b.mistake(3)) access(b, register, name === "timed" ? 24 : 8, 8, rights);
    else access(b, register, 0, left, rights);
  }
  if (left !== size || b.registers[register]?.kind !== "value") b.forget(register);
  if (b.registers[from]?.kind === "busy") b.set(from, { kind: "value", size, name });
}
