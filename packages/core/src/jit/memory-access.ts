import type { InstructionForm } from "../isa/index.js";
import { area, STACK_SIZE } from "../runtime/index.js";
import { I32, I64, i32, i64, type LoadOperator, type Operator, type StoreOperator } from "../wasm/index.js";
import { pushImmediate, pushOperand } from "./arithmetic.js";
import { FRAME, FRAME_POINTER, type Translation } from "./translation.js";

/** An access of the current instruction. */
interface Access {
  /** Register with the address. */
  readonly register: number;
  readonly size: number;
  readonly write: boolean;
}

const loads: Readonly<Record<string, LoadOperator>> = {
  u1: i64.load8_u,
  u2: i64.load16_u,
  u4: i64.load32_u,
  u8: i64.load,
  s1: i64.load8_s,
  s2: i64.load16_s,
  s4: i64.load32_s,
};

const stores: Readonly<Record<number, StoreOperator>> = {
  1: i64.store8,
  2: i64.store16,
  4: i64.store32,
  8: i64.store,
};

/** Loads with acquire ordering are plain ones, because one thread runs here. @see RFC 9669 section 5 */
export function emitLoad(t: Translation, size: number, signed: boolean): void {
  const { slots } = t.parts.program;
  const dst = slots.dst[t.slot]!;
  emitAccess(t, { register: slots.src[t.slot]!, size, write: false }, (push) => {
    const offset = push();
    t.f.load(loads[`${signed ? "s" : "u"}${size}`]!, offset);
    t.set(dst, 64);
  });
}

export function emitStore(t: Translation, size: number, source: "imm" | "reg"): void {
  const { slots } = t.parts.program;
  emitAccess(t, { register: slots.dst[t.slot]!, size, write: true }, (push) => {
    const offset = push();
    pushOperand(t, source, 64);
    t.f.store(stores[size]!, offset);
  });
}

/** Read-modify-write. @see RFC 9669 section 5.3 */
export function emitAtomic(t: Translation, form: Extract<InstructionForm, { kind: "atomic" }>): void {
  const { f } = t;
  const { operation, size, fetch } = form;
  const { slots } = t.parts.program;
  const src = slots.src[t.slot]!;
  const width = size === 4 ? 32 : 64;
  const ops = size === 4 ? i32 : i64;
  emitAccess(t, { register: slots.dst[t.slot]!, size, write: true }, (push) => {
    const address = t.scratch(I32, "target");
    const old = t.scratch(size === 4 ? I32 : I64, "old");
    const offset = push();
    f.tee(address).load(ops.load, offset).set(old);
    if (operation === "cmpxchg") {
      f.get(old);
      t.get(0, width).op(ops.eq).openIf();
      f.get(address);
      t.get(src, width).store(ops.store, offset).end();
      f.get(old);
      t.set(0, width);
      return;
    }
    f.get(address);
    if (operation === "xchg") t.get(src, width);
    else {
      f.get(old);
      t.get(src, width).op(ops[operation] as Operator);
    }
    f.store(ops.store, offset);
    if (!fetch) return;
    f.get(old);
    t.set(src, width);
  });
}

/**
 * Emits what `emit` does with an address, where that is allowed. `emit` calls what it is given to push the address, and
 * gets the constant that is still to be added to it.
 */
function emitAccess(t: Translation, access: Access, emit: (push: () => number) => void): void {
  const { f, parts } = t;
  const offset = parts.program.slots.offset[t.slot]!;
  const guarded = parts.program.executable.guarded?.has(t.slot) ?? false;
  if (!parts.checked && !guarded && !parts.risky.has(t.slot)) {
    emit(() => pushPlainAddress(t, access.register, offset));
    return;
  }
  const address = t.scratch(I64, "address");
  t.get(access.register, 64).i64(offset).op(i64.add).set(address);
  const skip = guarded ? f.openBlock() : undefined;
  f.block((ok) => {
    if (parts.checked) {
      f.get(address).get(FRAME).op(i64.extend_i32_u).op(i64.sub);
      f.i64(STACK_SIZE - access.size + 1).op(i64.lt_u);
      f.brIf(ok);
      f.get(address);
      t.area().load(i64.load, area.windowStart).op(i64.sub);
      t.area().load(i64.load, access.write ? area.windowWriteLimit : area.windowReadLimit);
      f.op(i64.lt_u).brIf(ok);
    } else t.writeDepth();
    t.area()
      .get(address)
      .i32(access.size)
      .i32(access.write ? 1 : 0);
    f.call(parts.imports.checkAccess!).brIf(ok);
    if (skip === undefined) {
      t.fault();
      return;
    }
    t.area().i32(0).store(i32.store, area.faultReason);
    if (!access.write) {
      f.i64(0);
      t.set(parts.program.slots.dst[t.slot]!, 64);
    }
    f.br(skip);
  });
  emit(() => {
    f.get(address).op(i32.wrap_i64);
    return 0;
  });
  if (skip !== undefined) f.end();
}

/** WebAssembly's offsets are unsigned; verified addresses are never so small that a positive offset makes them wrap. */
function pushPlainAddress(t: Translation, register: number, offset: number): number {
  if (register === FRAME_POINTER) {
    t.f.get(FRAME);
    return STACK_SIZE + offset;
  }
  t.get(register, 32);
  if (offset >= 0) return offset;
  t.f.i32(offset).op(i32.add);
  return 0;
}

/** The deprecated packet access; where it fails, the function returns 0. @see RFC 9669 section 5.5 */
export function emitPacketLoad(t: Translation, mode: "abs" | "ind", size: number, leave: () => void): void {
  const { f, parts } = t;
  const { slots } = parts.program;
  t.spill();
  t.get(6, 32);
  pushImmediate(t, 32);
  if (mode === "ind") t.get(slots.src[t.slot]!, 32).op(i32.add);
  f.i32(size).call(parts.imports.loadPacket!).op(i32.eqz).openIf();
  f.i64(0);
  t.set(0, 64);
  leave();
  f.end();
  t.reload();
  if (!parts.checked) t.reloadRegisters(0, 0);
}

/** Arena pointers are user addresses in memory and linear addresses when they are used; both ways keep null. */
export function emitArenaCast(t: Translation): void {
  const { f } = t;
  const { slots, executable } = t.parts.program;
  const { base, userStart } = executable.arena!;
  const [dst, src] = [slots.dst[t.slot]!, slots.src[t.slot]!];
  const distance = (base - userStart.low) | 0;
  t.get(src, 32).i32(distance);
  if (slots.imm[t.slot] === 1) {
    f.op(i32.add).i32(0);
    t.get(src, 32).select();
    t.set(dst, 32);
  } else {
    f.op(i32.sub).op(i64.extend_i32_u).i64(0, userStart.high).op(i64.or).i64(0);
    t.get(src, 32).select();
    t.set(dst, 64);
  }
}
