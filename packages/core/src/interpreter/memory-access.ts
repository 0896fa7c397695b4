import type { AtomicOperation } from "../isa/index.js";
import { area } from "../runtime/index.js";
import { I32, I64, i32, i64, type LoadOperator, type Operator, type StoreOperator } from "../wasm/index.js";
import type { Emitter, Operation } from "./emitter.js";

const loads: readonly [name: string, size: number, load: LoadOperator][] = [
  ["load8", 1, i64.load8_u],
  ["load16", 2, i64.load16_u],
  ["load32", 4, i64.load32_u],
  ["load64", 8, i64.load],
  ["load8_signed", 1, i64.load8_s],
  ["load16_signed", 2, i64.load16_s],
  ["load32_signed", 4, i64.load32_s],
];

const stores: readonly [name: string, size: number, store: StoreOperator][] = [
  ["store8", 1, i64.store8],
  ["store16", 2, i64.store16],
  ["store32", 4, i64.store32],
  ["store64", 8, i64.store],
];

/**
 * Plain accesses; loads with acquire and stores with release ordering are the same, because one thread runs here.
 *
 * @see RFC 9669 section 5
 */
export function memoryOperations(): Operation[] {
  const operations: Operation[] = loads.map(([name, size, load]) => ({
    name,
    emit: (e) => {
      e.checkedAddress("src", size, false);
      const address = e.scratch(I32, "address");
      e.f.set(address);
      e.dstAddress().get(address).load(load).store(i64.store);
    },
  }));
  for (const source of ["imm", "reg"] as const) {
    for (const [name, size, store] of stores) {
      operations.push({
        name: `${name}_${source}`,
        emit: (e) => {
          e.checkedAddress("dst", size, true);
          e.source(source, 64).store(store);
        },
      });
    }
  }
  return [...operations, ...atomicOperations(), ...packetOperations(), ...arenaOperations()];
}

/** Read-modify-write. @see RFC 9669 section 5.3 */
function atomicOperations(): Operation[] {
  const operations: Operation[] = [];
  for (const size of [8, 4] as const) {
    for (const operation of ["add", "or", "and", "xor"] as const) {
      for (const fetch of [false, true]) {
        operations.push({
          name: atomicName(operation, size, fetch),
          emit: (e) => emitUpdate(e, size, (size === 4 ? i32 : i64)[operation] as Operator, fetch),
        });
      }
    }
    operations.push({ name: atomicName("xchg", size, true), emit: (e) => emitUpdate(e, size, undefined, true) });
    operations.push({ name: atomicName("cmpxchg", size, true), emit: (e) => emitCompareExchange(e, size) });
  }
  return operations;
}

export function atomicName(operation: AtomicOperation, size: 4 | 8, fetch: boolean): string {
  return `atomic_${operation}${size * 8}${fetch ? "_fetch" : ""}`;
}

/** Without an operator it exchanges. The old value, zero-extended, goes to src. */
function emitUpdate(e: Emitter, size: 4 | 8, operator: Operator | undefined, fetch: boolean): void {
  const { f } = e;
  const width = size === 4 ? 32 : 64;
  const address = e.scratch(I32, "address");
  const old = e.scratch(size === 4 ? I32 : I64, "old");
  e.checkedAddress("dst", size, true);
  f.tee(address)
    .get(address)
    .load(size === 4 ? i32.load : i64.load)
    .set(old);
  if (operator !== undefined) f.get(old);
  e.src(width);
  if (operator !== undefined) f.op(operator);
  f.store(size === 4 ? i32.store : i64.store);
  if (!fetch) return;
  e.srcAddress().get(old);
  e.storeResult(width);
}

/** If memory equals r0 it becomes src; r0 gets the old value, zero-extended, either way. */
function emitCompareExchange(e: Emitter, size: 4 | 8): void {
  const { f } = e;
  const width = size === 4 ? 32 : 64;
  const ops = size === 4 ? i32 : i64;
  const address = e.scratch(I32, "address");
  const old = e.scratch(size === 4 ? I32 : I64, "old");
  e.checkedAddress("dst", size, true);
  f.tee(address).load(ops.load).tee(old);
  f.get(e.area).load(ops.load, area.registers).op(ops.eq);
  f.if(() => {
    f.get(address);
    e.src(width).store(ops.store);
  });
  f.get(e.area).get(old);
  e.storeResult(width);
}

/** The deprecated packet access; where it fails, the function returns 0. @see RFC 9669 section 5.5 */
function packetOperations(): Operation[] {
  const operations: Operation[] = [];
  for (const mode of ["abs", "ind"] as const) {
    for (const size of [1, 2, 4] as const) {
      operations.push({
        name: `packet_${mode}${size * 8}`,
        emit: (e) => {
          const { f } = e;
          e.saveState();
          e.register(6).op(i32.wrap_i64);
          e.immediate(32);
          if (mode === "ind") e.src(32).op(i32.add);
          f.i32(size).call(e.imports.loadPacket);
          f.op(i32.eqz).if(() => {
            e.setRegister(0, () => f.i64(0));
            f.br(e.labels.leave);
          });
          e.restoreState();
        },
      });
    }
  }
  return operations;
}

/**
 * Arena pointers are user addresses in memory and linear addresses when they are used; both ways keep null. The operand
 * is the difference of the two in the low half, the immediate the user address's upper half.
 */
function arenaOperations(): Operation[] {
  return [
    {
      name: "cast_from_user",
      emit: (e) => {
        e.dstAddress();
        e.src(32);
        e.operand().op(i32.add).i32(0);
        e.src(32).select();
        e.storeResult(32);
      },
    },
    {
      name: "cast_to_user",
      emit: (e) => {
        e.dstAddress();
        e.src(32);
        e.operand().op(i32.sub).op(i64.extend_i32_u);
        e.immediate(64).op(i64.or).i64(0);
        e.src(32).select();
        e.storeResult(64);
      },
    },
  ];
}
