import { addImm, addReg, insn, load, mov, movReg, R6 } from "./instructions.mjs";
import { access } from "./memory.mjs";
import { bounded } from "./scalars.mjs";

/** Loads data and data_end, compares, and reads or writes the packet. */
export function packetAccess(b) {
  const { random, program } = b;
  if (program.packet === undefined || b.registers[R6]?.kind !== "ctx") return;
  const { data, end, meta, writable } = program.packet;
  const [first, second, third] = pickThree(b);
  const usesMeta = meta !== undefined && random.chance(0.1);
  b.push(load(4, first, R6, usesMeta ? meta : data), load(4, second, R6, usesMeta ? data : end));
  b.set(first, { kind: usesMeta ? "packet_meta" : "packet" });
  b.set(second, { kind: usesMeta ? "packet" : "packet_end" });
  if (random.chance(0.35)) {
    b.set(third, { kind: "busy" });
    const index = bounded(b, random.pick([15, 60, 255, 0xfff, 0x7fff, 0xffff]));
    if (index !== first && index !== second) b.push(addReg(first, index));
  }
  const ahead = random.chance(0.95) ? random.below(64) : random.pick([0xffff, 0x7fff, -1, 0]);
  b.push(movReg(third, first), addImm(third, ahead));
  b.set(third, { kind: "packet" });
  const inverse = random.chance(0.3);
  const at = compare(b, third, second, inverse);
  const before = b.snapshot();
  const slack = b.mistake(5) ? 1 : 0;
  for (let i = 0; i <= random.below(3) && b.registers[first] !== undefined; i++) {
    const behind = random.chance(0.25);
    const room = Math.max(1, Math.min(ahead, 64)) + slack;
    const rights = { write: writable || b.mistake(3), atomics: b.mistake(3) };
    if (b.registers[first]?.kind !== "packet" && b.registers[first]?.kind !== "packet_meta") break;
    if (behind && b.registers[third]?.kind === "packet") access(b, third, -room, room, rights);
    else access(b, first, 0, room, rights);
  }
  b.code[at].offset = b.length - at - 1;
  b.meet(before);
}

function pickThree(b) {
  const list = [];
  for (const register of [2, 3, 4, 5, 7, 8, 9, 0, 1]) {
    if (b.registers[register]?.reference === undefined && (list.length < 2 || b.random.chance(0.5)))
      list.push(register);
  }
  while (list.length < 3) list.push([7, 8, 9].find((register) => !list.includes(register)));
  return list;
}

/** A jump past what follows unless `pointer` is within the packet; answers its place. */
function compare(b, pointer, end, swapped) {
  const { random } = b;
  const strict = random.chance(0.5);
  if (random.chance(0.5)) {
    // if pointer > end goto out; if end < pointer goto out.
    b.push(swapped ? insn(strict ? 0xad : 0xbd, end, pointer) : insn(strict ? 0x2d : 0x3d, pointer, end));
    return b.length - 1;
  }
  b.push(
    swapped ? insn(strict ? 0x2d : 0x3d, end, pointer, 1) : insn(strict ? 0xad : 0xbd, pointer, end, 1),
    insn(0x05),
  );
  return b.length - 1;
}

/** LD_ABS and LD_IND, which read the packet of an skb. */
export function legacyLoad(b) {
  const { random } = b;
  if (b.registers[R6]?.kind !== "ctx" && !b.mistake(5)) return;
  if (!b.program.legacy && !b.mistake(5)) return;
  if (b.references.length > 0 && !b.mistake(5)) return;
  if (random.chance(0.6)) b.push(insn(random.pick([0x20, 0x28, 0x30]), 0, 0, 0, random.below(100) - 5));
  else b.push(insn(random.pick([0x40, 0x48, 0x50]), 0, b.scalar(), 0, random.below(100)));
  b.afterCall({ kind: "scalar" });
}

/** A field of the context: any offset and size once in a while, else one that there is. */
export function contextAccess(b) {
  const { random, program } = b;
  if (b.registers[R6]?.kind !== "ctx") return;
  if (b.mistake(8)) {
    const size = random.pick([1, 2, 4, 8]);
    const offset = random.below(program.contextSize + 8);
    const dst = b.targetBut(R6);
    if (random.chance(0.6)) {
      b.push(load(size, dst, R6, offset));
      b.set(dst, { kind: "scalar" });
    } else access(b, R6, offset, size, { read: false });
    return;
  }
  if (program.writable.length > 0 && random.chance(0.4)) {
    const { offset, size } = random.pick(program.writable);
    if (random.chance(0.5)) access(b, R6, offset, size, { read: false, atomics: b.mistake(3) });
    else b.push(mov(0, 0), insn(0x63 | (size === 8 ? 0x18 : 0), R6, 0, offset));
    return;
  }
  if (program.readable.length === 0) return;
  const { offset, size, narrow } = random.pick(program.readable);
  const dst = b.targetBut(R6);
  if (narrow && random.chance(0.4)) {
    const width = random.pick([1, 2].filter((w) => w <= size));
    b.push(load(width, dst, R6, offset + width * random.below(size / width)));
  } else b.push(load(size, dst, R6, offset));
  b.set(dst, { kind: "scalar" });
}
