import type { Random } from "./budget.js";

/** Words that break arithmetic: around 0, around the signs and the ends of their widths. */
const INTERESTING = [
  0, 1, 2, 7, 8, 0x10, 0x40, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
  0xfffffff8, 0xffffffff,
];

/** A copy of `bytes` with one to eight things changed in it: bits, words, stretches copied elsewhere, the end cut off. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let mutant = bytes.slice();
  for (let changes = 1 + random.below(8); changes > 0; changes--) {
    if (mutant.length === 0) break;
    const at = random.below(mutant.length);
    switch (random.below(8)) {
      case 0:
        mutant[at]! ^= 1 << random.below(8);
        break;
      case 1:
        mutant[at] = random.next();
        break;
      case 2:
        if (random.below(8) === 0) mutant = mutant.slice(0, at);
        break;
      case 3:
        mutant.copyWithin(at, random.below(mutant.length), random.below(mutant.length));
        break;
      case 4:
        mutant.fill(random.pick([0, 0xff]), at, at + random.below(64));
        break;
      default:
        writeWord(mutant, at & ~3, random.pick(INTERESTING));
    }
  }
  return mutant;
}

/** Changes fields of the ELF section headers, where most of an object's contradictions can be made. */
export function mutateSections(bytes: Uint8Array, random: Random): Uint8Array {
  const mutant = bytes.slice();
  const view = new DataView(mutant.buffer);
  const littleEndian = bytes[5] === 1;
  const table = Number(view.getBigUint64(40, littleEndian));
  const count = view.getUint16(60, littleEndian);
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const header = table + random.below(count) * 64;
    const other = table + random.below(count) * 64;
    // Name, type, flags, offset, both halves of the size, link, info, entry size.
    const field = random.pick([0, 4, 8, 24, 32, 36, 40, 44, 56]);
    const value = random.below(2) === 0 ? random.pick(INTERESTING) : view.getUint32(other + field, littleEndian);
    view.setUint32(header + field, value, littleEndian);
  }
  return mutant;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, word, true);
}
