/** A repeatable source of 32-bit numbers: xoshiro128** by Blackman and Vigna, seeded through splitmix32. */
export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed = 1) {
    let mix = seed >>> 0;
    for (let word = 0; word < 4; word++) {
      mix = (mix + 0x9e3779b9) >>> 0;
      let value = mix;
      value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
      value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
      this.#state[word] = value ^ (value >>> 16);
    }
  }

  /** The next number, as an i32. */
  next(): number {
    const state = this.#state;
    const scrambled = Math.imul(rotate(Math.imul(state[1]!, 5), 7), 9);
    const shifted = state[1]! << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = rotate(state[3]!, 11);
    return scrambled | 0;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
