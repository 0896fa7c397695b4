// Operators by type and by kind of immediate, named as the text format names them with `_` for further dots:
// `i32.atomic.rmw8.add_u` is `i32.atomic_rmw8_add_u`. The kinds are types of their own, so that a load given where a plain
// operator belongs, which would leave its immediate out, doesn't compile.

declare const kind: unique symbol;
/** An operator without an immediate. */
export type Operator = number & { readonly [kind]: "operator" };
/** A load: pops an address, pushes the value. */
export type LoadOperator = number & { readonly [kind]: "load" };
/** A store: pops the value, then an address. */
export type StoreOperator = number & { readonly [kind]: "store" };
/** An atomic access of the threads proposal; its address must be a multiple of its width, or it traps. */
export type AtomicOperator = number & { readonly [kind]: "atomic" };

type Names<Table, Kind> = { readonly [Name in keyof Table]: Kind };

function plain<Table extends Record<string, number>>(table: Table): Names<Table, Operator> {
  return table as unknown as Names<Table, Operator>;
}
// An access is its opcode and, from bit 16, the logarithm of its width.
function loads<Table extends Record<string, number>>(table: Table): Names<Table, LoadOperator> {
  return table as unknown as Names<Table, LoadOperator>;
}
function stores<Table extends Record<string, number>>(table: Table): Names<Table, StoreOperator> {
  return table as unknown as Names<Table, StoreOperator>;
}
function atomics<Table extends Record<string, number>>(table: Table): Names<Table, AtomicOperator> {
  return table as unknown as Names<Table, AtomicOperator>;
}

const W8 = 0 << 16;
const W16 = 1 << 16;
const W32 = 2 << 16;
const W64 = 3 << 16;

/** Operators on 32-bit integers. */
export const i32 = {
  ...plain({
    eqz: 0x45,
    eq: 0x46,
    ne: 0x47,
    lt_s: 0x48,
    lt_u: 0x49,
    gt_s: 0x4a,
    gt_u: 0x4b,
    le_s: 0x4c,
    le_u: 0x4d,
    ge_s: 0x4e,
    ge_u: 0x4f,
    clz: 0x67,
    ctz: 0x68,
    popcnt: 0x69,
    add: 0x6a,
    sub: 0x6b,
    mul: 0x6c,
    div_s: 0x6d,
    div_u: 0x6e,
    rem_s: 0x6f,
    rem_u: 0x70,
    and: 0x71,
    or: 0x72,
    xor: 0x73,
    shl: 0x74,
    shr_s: 0x75,
    shr_u: 0x76,
    rotl: 0x77,
    rotr: 0x78,
    wrap_i64: 0xa7,
    extend8_s: 0xc0,
    extend16_s: 0xc1,
  }),
  ...loads({
    load: W32 | 0x28,
    load8_s: W8 | 0x2c,
    load8_u: W8 | 0x2d,
    load16_s: W16 | 0x2e,
    load16_u: W16 | 0x2f,
  }),
  ...stores({
    store: W32 | 0x36,
    store8: W8 | 0x3a,
    store16: W16 | 0x3b,
  }),
  ...atomics({
    atomic_load: W32 | 0x10,
    atomic_load8_u: W8 | 0x12,
    atomic_load16_u: W16 | 0x13,
    atomic_store: W32 | 0x17,
    atomic_store8: W8 | 0x19,
    atomic_store16: W16 | 0x1a,
    atomic_rmw_add: W32 | 0x1e,
    atomic_rmw8_add_u: W8 | 0x20,
    atomic_rmw16_add_u: W16 | 0x21,
    atomic_rmw_sub: W32 | 0x25,
    atomic_rmw_and: W32 | 0x2c,
    atomic_rmw_or: W32 | 0x33,
    atomic_rmw_xor: W32 | 0x3a,
    atomic_rmw_xchg: W32 | 0x41,
    atomic_rmw8_xchg_u: W8 | 0x43,
    atomic_rmw16_xchg_u: W16 | 0x44,
    atomic_rmw_cmpxchg: W32 | 0x48,
    atomic_rmw8_cmpxchg_u: W8 | 0x4a,
    atomic_rmw16_cmpxchg_u: W16 | 0x4b,
  }),
};

/** Operators on 64-bit integers. */
export const i64 = {
  ...plain({
    eqz: 0x50,
    eq: 0x51,
    ne: 0x52,
    lt_s: 0x53,
    lt_u: 0x54,
    gt_s: 0x55,
    gt_u: 0x56,
    le_s: 0x57,
    le_u: 0x58,
    ge_s: 0x59,
    ge_u: 0x5a,
    clz: 0x79,
    ctz: 0x7a,
    popcnt: 0x7b,
    add: 0x7c,
    sub: 0x7d,
    mul: 0x7e,
    div_s: 0x7f,
    div_u: 0x80,
    rem_s: 0x81,
    rem_u: 0x82,
    and: 0x83,
    or: 0x84,
    xor: 0x85,
    shl: 0x86,
    shr_s: 0x87,
    shr_u: 0x88,
    rotl: 0x89,
    rotr: 0x8a,
    extend_i32_s: 0xac,
    extend_i32_u: 0xad,
    extend8_s: 0xc2,
    extend16_s: 0xc3,
    extend32_s: 0xc4,
  }),
  ...loads({
    load: W64 | 0x29,
    load8_s: W8 | 0x30,
    load8_u: W8 | 0x31,
    load16_s: W16 | 0x32,
    load16_u: W16 | 0x33,
    load32_s: W32 | 0x34,
    load32_u: W32 | 0x35,
  }),
  ...stores({
    store: W64 | 0x37,
    store8: W8 | 0x3c,
    store16: W16 | 0x3d,
    store32: W32 | 0x3e,
  }),
  ...atomics({
    atomic_load: W64 | 0x11,
    atomic_load8_u: W8 | 0x14,
    atomic_load16_u: W16 | 0x15,
    atomic_load32_u: W32 | 0x16,
    atomic_store: W64 | 0x18,
    atomic_store8: W8 | 0x1b,
    atomic_store16: W16 | 0x1c,
    atomic_store32: W32 | 0x1d,
    atomic_rmw_add: W64 | 0x1f,
    atomic_rmw32_add_u: W32 | 0x24,
    atomic_rmw_sub: W64 | 0x26,
    atomic_rmw_and: W64 | 0x2d,
    atomic_rmw32_and_u: W32 | 0x32,
    atomic_rmw_or: W64 | 0x34,
    atomic_rmw32_or_u: W32 | 0x39,
    atomic_rmw_xor: W64 | 0x3b,
    atomic_rmw32_xor_u: W32 | 0x40,
    atomic_rmw_xchg: W64 | 0x42,
    atomic_rmw32_xchg_u: W32 | 0x47,
    atomic_rmw_cmpxchg: W64 | 0x49,
    atomic_rmw32_cmpxchg_u: W32 | 0x4e,
  }),
};

/** Waiting and waking between threads that share a memory. */
export const atomic = atomics({
  /** (address, number of waiters) -> woken waiters */
  notify: W32 | 0x00,
  /** (address, expected i32, timeout in ns as i64) -> 0 woken, 1 not equal, 2 timed out */
  wait32: W32 | 0x01,
  /** (address, expected i64, timeout in ns as i64) -> as wait32 */
  wait64: W64 | 0x02,
});
