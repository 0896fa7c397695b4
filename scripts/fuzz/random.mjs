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
  const below = (n) => Math.floor(next() * n);
  return {
    below,
    chance: (p) => next() < p,
    pick: (list) => list[below(list.length)],
    /** One of `[weight, value]` pairs. */
    weighted(pairs) {
      let at = below(pairs.reduce((sum, [weight]) => sum + weight, 0));
      for (const [weight, value] of pairs) {
        at -= weight;
        if (at < 0) return value;
      }
      return pairs[0][1];
    },
  };
}

/** Numbers at which arithmetic and bounds change their ways. */
export const edges = [
  0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256, 511, 512, 4095, 0x7fff, 0x8000, 0xffff,
  0x10000, 0x7ffffffe, 0x7fffffff, 0x20000000, 0x1fffffff, -1, -2, -3, -4, -7, -8, -16, -63, -64, -128, -256, -512,
  -32768, -0x20000000, -0x7fffffff, -0x80000000,
];
