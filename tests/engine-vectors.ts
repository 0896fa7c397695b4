/**
 * Small programs with their result, for every engine: each instruction of the table occurs, and the corners where
 * implementations go wrong. r1 is `memory`, r2 its length in bytes.
 *
 * Helper and kfunc 5 return -(a1 + a2) as an int, 6 as a uint, 7 as a wide value with 1 in its upper half. The packet of
 * `ld_abs` and `ld_ind` is `memory`. Arena pointers start at user address 0x7f00_0000_1000.
 */
export interface EngineVector {
  readonly name: string;
  readonly source: string;
  /** Hex. */
  readonly memory?: string;
  readonly result: bigint;
}

/** Two operands and what an operation makes of them: r0 = a, r1 = b, then `operation`. */
function alu(name: string, a: bigint, b: bigint, operation: string, result: bigint): EngineVector {
  const load = (register: string, value: bigint) => `${register} = 0x${BigInt.asUintN(64, value).toString(16)} ll\n`;
  return {
    name,
    source: `${load("r0", a)}${load("r1", b)}${operation}\nexit`,
    result: BigInt.asUintN(64, result),
  };
}

const MIN64 = -(1n << 63n);
const HIGH = 0xaaaa_bbbb_0000_0000n;

const arithmetic: EngineVector[] = [
  alu("add wraps", -1n, 2n, "r0 += r1", 1n),
  alu("add of a negative immediate extends it", 1n, 0n, "r0 += -2", -1n),
  alu("add32 zero-extends", HIGH | 0xffff_ffffn, 2n, "w0 += w1", 1n),
  alu("add32 of an immediate", HIGH | 5n, 0n, "w0 += -6", 0xffff_ffffn),
  alu("sub", 1n, 2n, "r0 -= r1", -1n),
  alu("sub of an immediate", 1n, 0n, "r0 -= 2", -1n),
  alu("sub32", HIGH, 1n, "w0 -= w1", 0xffff_ffffn),
  alu("sub32 of an immediate", HIGH, 0n, "w0 -= 2", 0xffff_fffen),
  alu("mul keeps the low half", 1n << 63n, 3n, "r0 *= r1", 1n << 63n),
  alu("mul by an immediate", 5n, 0n, "r0 *= -3", -15n),
  alu("mul32", 0x1_0000_0003n, 0xffff_ffffn, "w0 *= w1", 0xffff_fffdn),
  alu("mul32 by an immediate", HIGH | 7n, 0n, "w0 *= 3", 21n),
  alu("div is unsigned", -2n, 2n, "r0 /= r1", 0x7fff_ffff_ffff_ffffn),
  alu("div by zero is zero", 7n, 0n, "r0 /= r1", 0n),
  alu("div by a negative immediate, which is large", -1n, 0n, "r0 /= -1", 1n),
  alu("div32 by zero is zero", HIGH | 7n, HIGH, "w0 /= w1", 0n),
  alu("div32 by an immediate", HIGH | 7n, 0n, "w0 /= 2", 3n),
  alu("mod", 7n, 4n, "r0 %= r1", 3n),
  alu("mod by zero leaves dst", -7n, 0n, "r0 %= r1", -7n),
  alu("mod by an immediate", 9n, 0n, "r0 %= 5", 4n),
  alu("mod32 by zero clears the upper half", HIGH | 7n, HIGH, "w0 %= w1", 7n),
  alu("mod32 by an immediate", HIGH | 9n, 0n, "w0 %= 5", 4n),
  alu("sdiv truncates", -7n, 2n, "r0 s/= r1", -3n),
  alu("sdiv of the smallest number by -1", MIN64, -1n, "r0 s/= r1", MIN64),
  alu("sdiv by zero is zero", -7n, 0n, "r0 s/= r1", 0n),
  alu("sdiv by the immediate -1", MIN64, 0n, "r0 s/= -1", MIN64),
  alu("sdiv32 of the smallest number by -1", 0x8000_0000n, 0xffff_ffffn, "w0 s/= w1", 0x8000_0000n),
  alu("sdiv32 by an immediate", 0xffff_fff9n, 0n, "w0 s/= 2", 0xffff_fffdn),
  alu("smod has the dividend's sign", -7n, 2n, "r0 s%= r1", -1n),
  alu("smod of the smallest number by -1", MIN64, -1n, "r0 s%= r1", 0n),
  alu("smod by zero leaves dst", -7n, 0n, "r0 s%= r1", -7n),
  alu("smod by an immediate", -7n, 0n, "r0 s%= -4", -3n),
  alu("smod32 by zero clears the upper half", -7n, 0n, "w0 s%= w1", 0xffff_fff9n),
  alu("smod32 of the smallest number by -1", 0x8000_0000n, 0n, "w0 s%= -1", 0n),
  alu("or", 5n, 0x100_0000_0002n, "r0 |= r1", 0x100_0000_0007n),
  alu("or of an immediate extends it", 0n, 0n, "r0 |= -16", -16n),
  alu("or32", HIGH | 5n, 2n, "w0 |= w1", 7n),
  alu("or32 of an immediate", HIGH | 5n, 0n, "w0 |= 2", 7n),
  alu("and", -1n, HIGH | 5n, "r0 &= r1", HIGH | 5n),
  alu("and of an immediate extends it", HIGH | 0xffn, 0n, "r0 &= -16", HIGH | 0xf0n),
  alu("and32", -1n, 0xf0n, "w0 &= w1", 0xf0n),
  alu("and32 of an immediate", -1n, 0n, "w0 &= -16", 0xffff_fff0n),
  alu("xor", -1n, 1n, "r0 ^= r1", -2n),
  alu("xor of an immediate", HIGH, 0n, "r0 ^= -1", ~HIGH),
  alu("xor32", HIGH | 5n, 1n, "w0 ^= w1", 4n),
  alu("xor32 of an immediate", HIGH | 5n, 0n, "w0 ^= -1", 0xffff_fffan),
  alu("lsh masks its count", 1n, 65n, "r0 <<= r1", 2n),
  alu("lsh by an immediate", 1n, 0n, "r0 <<= 63", MIN64),
  alu("lsh32 masks its count by 31", 1n, 33n, "w0 <<= w1", 2n),
  alu("lsh32 by an immediate", 3n, 0n, "w0 <<= 31", 0x8000_0000n),
  alu("rsh", -1n, 127n, "r0 >>= r1", 1n),
  alu("rsh by an immediate", -1n, 0n, "r0 >>= 60", 15n),
  alu("rsh32 sees the low half only", HIGH | 8n, 34n, "w0 >>= w1", 2n),
  alu("rsh32 by an immediate", HIGH | 8n, 0n, "w0 >>= 3", 1n),
  alu("arsh", MIN64, 127n, "r0 s>>= r1", -1n),
  alu("arsh by an immediate", -256n, 0n, "r0 s>>= 4", -16n),
  alu("arsh32 zero-extends", 0x8000_0000n, 31n, "w0 s>>= w1", 0xffff_ffffn),
  alu("arsh32 by an immediate", 0x8000_0000n, 0n, "w0 s>>= 4", 0xf800_0000n),
  alu("neg", MIN64, 0n, "r0 = -r0", MIN64),
  alu("neg32", HIGH | 1n, 0n, "w0 = -w0", 0xffff_ffffn),
  alu("mov", 0n, HIGH, "r0 = r1", HIGH),
  alu("mov of an immediate extends it", 0n, 0n, "r0 = -1", -1n),
  alu("mov32", -1n, HIGH | 5n, "w0 = w1", 5n),
  alu("mov32 of an immediate", -1n, 0n, "w0 = -1", 0xffff_ffffn),
  alu("movsx of 8 bits", 0n, 0x17ffn, "r0 = (s8)r1", -1n),
  alu("movsx of 16 bits", 0n, 0x18000n, "r0 = (s16)r1", -0x8000n),
  alu("movsx of 32 bits", 0n, 0x1_8000_0000n, "r0 = (s32)r1", -0x8000_0000n),
  alu("movsx32 of 8 bits zero-extends", -1n, 0x80n, "w0 = (s8)w1", 0xffff_ff80n),
  alu("movsx32 of 16 bits", -1n, 0x1_7fffn, "w0 = (s16)w1", 0x7fffn),
  alu("le16 truncates", -1n, 0n, "r0 = le16 r0", 0xffffn),
  alu("le32 truncates", -1n, 0n, "r0 = le32 r0", 0xffff_ffffn),
  alu("le64", -2n, 0n, "r0 = le64 r0", -2n),
  alu("be16 truncates", HIGH | 0x1234_5678n, 0n, "r0 = be16 r0", 0x7856n),
  alu("be32 truncates", HIGH | 0x1234_5678n, 0n, "r0 = be32 r0", 0x7856_3412n),
  alu("be64", 0x0102_0304_0506_0708n, 0n, "r0 = be64 r0", 0x0807_0605_0403_0201n),
  alu("bswap16", HIGH | 0x1234_5678n, 0n, "r0 = bswap16 r0", 0x7856n),
  alu("bswap32", HIGH | 0x1234_5678n, 0n, "r0 = bswap32 r0", 0x7856_3412n),
  alu("bswap64", 0x0102_0304_0506_0708n, 0n, "r0 = bswap64 r0", 0x0807_0605_0403_0201n),
];

/** A branch over `r0 = 0`: 1 where it is taken. */
function branch(condition: string, r1: bigint, r2: bigint, taken: boolean): EngineVector {
  const load = (register: string, value: bigint) => `${register} = 0x${BigInt.asUintN(64, value).toString(16)} ll\n`;
  return {
    name: `if ${condition} with r1 = ${r1}, r2 = ${r2}`,
    source: `${load("r1", r1)}${load("r2", r2)}r0 = 1\nif ${condition} goto +1\nr0 = 0\nexit`,
    result: taken ? 1n : 0n,
  };
}

const MINUS_ONE_32 = 0xffff_ffffn;

const branches: EngineVector[] = [
  ...["r1 == r2", "r1 >= r2", "r1 <= r2", "r1 s>= r2", "r1 s<= r2"].map((condition) =>
    branch(condition, -5n, -5n, true),
  ),
  ...["r1 != r2", "r1 > r2", "r1 < r2", "r1 s> r2", "r1 s< r2"].map((condition) => branch(condition, -5n, -5n, false)),
  ...["r1 > r2", "r1 >= r2", "r1 s< r2", "r1 s<= r2", "r1 != r2", "r1 & r2"].map((condition) =>
    branch(condition, -1n, 1n, true),
  ),
  ...["r1 < r2", "r1 <= r2", "r1 s> r2", "r1 s>= r2", "r1 == r2"].map((condition) => branch(condition, -1n, 1n, false)),
  ...["r1 == -1", "r1 >= -1", "r1 <= -1", "r1 s>= -1", "r1 s<= -1", "r1 & -1"].map((condition) =>
    branch(condition, -1n, 0n, true),
  ),
  ...["r1 != -1", "r1 > -1", "r1 < -1", "r1 s> -1", "r1 s< -1"].map((condition) => branch(condition, -1n, 0n, false)),
  // The 32-bit kinds see the low halves only.
  ...["w1 == w2", "w1 >= w2", "w1 <= w2", "w1 s>= w2", "w1 s<= w2", "w1 & w2"].map((condition) =>
    branch(condition, HIGH | MINUS_ONE_32, MINUS_ONE_32, true),
  ),
  ...["w1 != w2", "w1 > w2", "w1 < w2", "w1 s> w2", "w1 s< w2"].map((condition) =>
    branch(condition, HIGH | MINUS_ONE_32, MINUS_ONE_32, false),
  ),
  ...["w1 == -1", "w1 > 0", "w1 >= 5", "w1 s< 0", "w1 s<= -1", "w1 != 1", "w1 & 8"].map((condition) =>
    branch(condition, HIGH | MINUS_ONE_32, 0n, true),
  ),
  ...["w1 < 5", "w1 <= 5", "w1 s> 0", "w1 s>= 0"].map((condition) => branch(condition, MINUS_ONE_32, 0n, false)),
  branch("r1 & 0x80000000", 1n << 40n, 0n, true),
  branch("w1 & w2", HIGH, HIGH, false),
  { name: "goto, forward and back", source: "goto +2\nr0 = 7\nexit\ngoto -3", result: 7n },
  { name: "gotol", source: "gotol +2\nr0 = 7\nexit\ngotol -3", result: 7n },
  {
    name: "may_goto falls through while it may",
    source: "r0 = 0\nloop:\nmay_goto out\nr0 += 1\nif r0 != 1000 goto loop\nout:\nexit",
    result: 1000n,
  },
];

const memory = "0102030405060708f1f2f3f4f5f6f7f8";

const accesses: EngineVector[] = [
  { name: "load 8 bits", memory, source: "r0 = *(u8 *)(r1 + 8)\nexit", result: 0xf1n },
  { name: "load 16 bits, unaligned", memory, source: "r0 = *(u16 *)(r1 + 7)\nexit", result: 0xf108n },
  { name: "load 32 bits", memory, source: "r1 += 16\nr0 = *(u32 *)(r1 - 8)\nexit", result: 0xf4f3_f2f1n },
  { name: "load 64 bits", memory, source: "r0 = *(u64 *)(r1 + 0)\nexit", result: 0x0807_0605_0403_0201n },
  { name: "load the last byte", memory, source: "r0 = *(u8 *)(r1 + 15)\nexit", result: 0xf8n },
  { name: "signed load of 8 bits", memory, source: "r0 = *(s8 *)(r1 + 8)\nexit", result: BigInt.asUintN(64, -15n) },
  { name: "signed load of 16 bits", memory, source: "r0 = *(s16 *)(r1 + 8)\nexit", result: 0xffff_ffff_ffff_f2f1n },
  { name: "signed load of 32 bits", memory, source: "r0 = *(s32 *)(r1 + 8)\nexit", result: 0xffff_ffff_f4f3_f2f1n },
  {
    name: "stores of an immediate, each of its width",
    memory: "ffffffffffffffffffffffffffffffff",
    source:
      "*(u8 *)(r1 + 0) = 1\n*(u16 *)(r1 + 1) = 2\n*(u32 *)(r1 + 3) = 3\n*(u64 *)(r1 + 7) = -4\nr0 = *(u64 *)(r1 + 0)\nexit",
    result: 0xfc00_0000_0300_0201n,
  },
  {
    name: "stores of a register, each of its width",
    memory: "ffffffffffffffffffffffffffffffff",
    source:
      "r3 = 0x1122334455667788 ll\n*(u8 *)(r1 + 0) = r3\n*(u16 *)(r1 + 1) = r3\n*(u32 *)(r1 + 3) = r3\n*(u64 *)(r1 + 8) = r3\nr0 = *(u64 *)(r1 + 0)\nr2 = *(u64 *)(r1 + 8)\nr0 ^= r2\nexit",
    result: 0xff55_6677_8877_8888n ^ 0x1122_3344_5566_7788n,
  },
  {
    name: "load-acquire of each width",
    memory,
    source:
      "r0 = load_acquire((u8 *)(r1 + 8))\nr3 = load_acquire((u16 *)(r1 + 8))\nr0 += r3\nr3 = load_acquire((u32 *)(r1 + 8))\nr0 += r3\nr3 = load_acquire((u64 *)(r1 + 0))\nr0 += r3\nexit",
    result: 0xf1n + 0xf2f1n + 0xf4f3_f2f1n + 0x0807_0605_0403_0201n,
  },
  {
    name: "store-release of each width",
    memory: "00000000000000000000000000000000",
    source:
      "r3 = -1\nstore_release((u8 *)(r1 + 0), r3)\nstore_release((u16 *)(r1 + 2), r3)\nstore_release((u32 *)(r1 + 4), r3)\nr4 = 5\nstore_release((u64 *)(r1 + 8), r4)\nr0 = *(u64 *)(r1 + 0)\nr1 = *(u64 *)(r1 + 8)\nr0 += r1\nexit",
    result: 0xffff_ffff_ffff_00ffn + 5n,
  },
  {
    name: "the stack, and r10",
    source: "r1 = r10\nr1 += -8\nr2 = 77\n*(u64 *)(r1 + 0) = r2\nr0 = *(u64 *)(r10 - 8)\nexit",
    result: 77n,
  },
];

/** An atomic on a stack word that starts as `initial`: result is what memory then holds xor what `read` does. */
function atomic(name: string, initial: bigint, r1: bigint, instruction: string, after: string, result: bigint) {
  const hex = (value: bigint) => `0x${BigInt.asUintN(64, value).toString(16)} ll`;
  return {
    name,
    source: `r3 = ${hex(initial)}\n*(u64 *)(r10 - 8) = r3\nr1 = ${hex(r1)}\nr0 = 0\n${instruction}\n${after}\nexit`,
    result: BigInt.asUintN(64, result),
  };
}

const MEMORY = "r0 = *(u64 *)(r10 - 8)";
const OLD = "r0 = r1";

const atomics: EngineVector[] = [
  atomic("atomic add", 5n, -6n, "lock *(u64 *)(r10 - 8) += r1", MEMORY, -1n),
  atomic("atomic add32 leaves the upper half", HIGH | 0xffff_ffffn, 1n, "lock *(u32 *)(r10 - 8) += r1", MEMORY, HIGH),
  atomic("atomic or", 5n, 2n, "lock *(u64 *)(r10 - 8) |= r1", MEMORY, 7n),
  atomic("atomic or32", HIGH | 5n, -1n, "lock *(u32 *)(r10 - 8) |= r1", MEMORY, HIGH | 0xffff_ffffn),
  atomic("atomic and", 5n, 4n, "lock *(u64 *)(r10 - 8) &= r1", MEMORY, 4n),
  atomic("atomic and32", HIGH | 5n, 4n, "lock *(u32 *)(r10 - 8) &= r1", MEMORY, HIGH | 4n),
  atomic("atomic xor", 5n, 1n, "lock *(u64 *)(r10 - 8) ^= r1", MEMORY, 4n),
  atomic("atomic xor32", HIGH | 5n, -1n, "lock *(u32 *)(r10 - 8) ^= r1", MEMORY, HIGH | 0xffff_fffan),
  atomic("fetch add gives the old value", -5n, 1n, "r1 = atomic64_fetch_add((u64 *)(r10 - 8), r1)", OLD, -5n),
  atomic("fetch add32 zero-extends", -5n, -1n, "w1 = atomic_fetch_add((u32 *)(r10 - 8), w1)", OLD, 0xffff_fffbn),
  atomic("fetch or", 5n, 2n, "r1 = atomic64_fetch_or((u64 *)(r10 - 8), r1)", `${MEMORY}\nr0 <<= 8\nr0 |= r1`, 0x705n),
  atomic("fetch or32", -1n, -1n, "w1 = atomic_fetch_or((u32 *)(r10 - 8), w1)", OLD, 0xffff_ffffn),
  atomic("fetch and", 5n, 4n, "r1 = atomic64_fetch_and((u64 *)(r10 - 8), r1)", `${MEMORY}\nr0 <<= 8\nr0 |= r1`, 0x405n),
  atomic("fetch and32", -1n, -1n, "w1 = atomic_fetch_and((u32 *)(r10 - 8), w1)", OLD, 0xffff_ffffn),
  atomic("fetch xor", 5n, 1n, "r1 = atomic64_fetch_xor((u64 *)(r10 - 8), r1)", `${MEMORY}\nr0 <<= 8\nr0 |= r1`, 0x405n),
  atomic("fetch xor32", -1n, -1n, "w1 = atomic_fetch_xor((u32 *)(r10 - 8), w1)", OLD, 0xffff_ffffn),
  atomic("xchg", -5n, 7n, "r1 = xchg_64(r10 - 8, r1)", `${MEMORY}\nr0 += r1`, 2n),
  atomic("xchg32 zero-extends the old value", -5n, HIGH | 7n, "w1 = xchg32_32(r10 - 8, w1)", OLD, 0xffff_fffbn),
  atomic("cmpxchg that matches", 0n, 7n, "r0 = cmpxchg_64(r10 - 8, r0, r1)", `r2 = *(u64 *)(r10 - 8)\nr0 += r2`, 7n),
  atomic("cmpxchg that doesn't", 5n, 7n, "r0 = cmpxchg_64(r10 - 8, r0, r1)", `r2 = *(u64 *)(r10 - 8)\nr0 += r2`, 10n),
  atomic(
    "cmpxchg32 that doesn't match zero-extends too",
    -5n,
    7n,
    "r0 = -1\nw0 = cmpxchg32_32(r10 - 8, w0, w1)",
    "",
    0xffff_fffbn,
  ),
  atomic(
    "cmpxchg32 that matches compares and stores low halves",
    HIGH,
    HIGH | 7n,
    "w0 = cmpxchg32_32(r10 - 8, w0, w1)",
    MEMORY,
    HIGH | 7n,
  ),
];

const calls: EngineVector[] = [
  {
    name: "a helper's int result is sign-extended",
    source: "r1 = 2\nr2 = 3\ncall 5\nexit",
    result: BigInt.asUintN(64, -5n),
  },
  { name: "a helper's uint result is zero-extended", source: "r1 = 2\nr2 = 3\ncall 6\nexit", result: 0xffff_fffbn },
  {
    name: "a helper's wide result has 64 bits",
    source: "r1 = 2\nr2 = 3\ncall 7\nexit",
    result: 0x1_ffff_fffbn,
  },
  { name: "a kfunc", source: "r1 = 2\nr2 = 3\ncall kfunc f#5\nexit", result: BigInt.asUintN(64, -5n) },
  { name: "callx of a helper", source: "r1 = 2\nr2 = 3\nr4 = 6\ncallx r4\nexit", result: 0xffff_fffbn },
  {
    name: "callx of a function",
    source: "r6 = 1\nr4 = subprog[+5]\nr1 = 21\ncallx r4\nr0 += r6\nexit\nr6 = 9\nr0 = r1\nr0 += r1\nexit",
    result: 43n,
  },
  {
    name: "r6 to r9 and r10 survive a call, r0 carries the result",
    source:
      "r6 = 1\nr7 = 2\nr8 = 3\nr9 = 4\n*(u64 *)(r10 - 8) = 10\ncall clobber\nr0 += r6\nr0 += r7\nr0 += r8\nr0 += r9\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit\nclobber:\nr6 = 0\nr7 = 0\nr8 = 0\nr9 = 0\n*(u64 *)(r10 - 8) = 0\nr0 = 100\nexit",
    result: 120n,
  },
  {
    name: "a callee reaches its caller's stack through a pointer",
    source: "r1 = r10\nr1 += -8\ncall store\nr0 = *(u64 *)(r10 - 8)\nexit\nstore:\n*(u64 *)(r1 + 0) = 99\nexit",
    result: 99n,
  },
  {
    name: "eight frames",
    source: "r1 = 7\ncall down\nexit\ndown:\nr0 = 0\nif r1 == 1 goto +3\nr1 -= 1\nr6 = 1\ncall down\nr0 += 1\nexit",
    result: 7n,
  },
  { name: "ldabs of each size", memory, source: packetSource("abs"), result: 0x01n + 0x0102n + 0x0102_0304n },
  { name: "ldind of each size", memory, source: packetSource("ind"), result: 0xf1n + 0xf1f2n + 0xf1f2_f3f4n },
  {
    name: "ldabs outside of the packet exits with 0",
    memory,
    source: "r6 = r1\nr0 = 7\nr0 = *(u32 *)skb[13]\nr0 = 8\nexit",
    result: 0n,
  },
  {
    name: "an arena pointer goes to user space and back",
    source:
      "r1 = 0x7f0000001040 ll\nr2 = addr_space_cast(r1, 0, 1)\n*(u64 *)(r2 + 0) = 5\nr3 = addr_space_cast(r2, 1, 0)\nr3 -= r1\nr0 = *(u64 *)(r2 + 0)\nr0 += r3\nexit",
    result: 5n,
  },
  {
    name: "null stays null in arena casts",
    source: "r1 = 0\nr2 = addr_space_cast(r1, 0, 1)\nr3 = addr_space_cast(r1, 1, 0)\nr0 = r2\nr0 |= r3\nexit",
    result: 0n,
  },
  ...["map[fd:7]", "map[idx:7]"].map((operand) => ({
    name: `${operand}, resolved by a host`,
    source: `r0 = ${operand}\nexit`,
    result: 7n,
  })),
  ...["map[fd:7][0]+9", "map[idx:7][0]+9", "btf[id:7, fd:9]"].map((operand) => ({
    name: `${operand}, resolved by a host`,
    source: `r0 = ${operand}\nexit`,
    result: 0x9_0000_0007n,
  })),
];

function packetSource(mode: "abs" | "ind"): string {
  const at = mode === "abs" ? "0" : "r7 + 0";
  const sizes = ["u8", "u16", "u32"].map((size) => `r0 = *(${size} *)skb[${at}]\nr9 += r0\n`);
  return `r6 = r1\nr7 = 8\nr9 = 0\n${sizes.join("")}r0 = r9\nexit`;
}

export const engineVectors: readonly EngineVector[] = [...arithmetic, ...branches, ...accesses, ...atomics, ...calls];
