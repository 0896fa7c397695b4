import { addImm, call, exit, FP, insn, mov, movReg, R0, R6, R7, R8, R9, store, storeImm } from "./instructions.mjs";
import { edges } from "./random.mjs";

/** How often the grammar does on purpose what a careful compiler would not. */
export const MISTAKE = 0.004;

/**
 * A function in the making. Knows roughly what every register holds, so that most programs get far: `{ kind }` of
 * scalar, ctx, stack, value, packet, packet_end, map, mem, sock; nothing where reading it would be refused.
 */
export class Builder {
  constructor(random, program, { name = "main" } = {}) {
    this.random = random;
    /** What all functions share: type, context's layout, functions asked for. */
    this.program = program;
    this.name = name;
    this.code = [];
    this.registers = new Array(11);
    this.registers[FP] = { kind: "stack", offset: 0 };
    /** Spilled slots by offset. */
    this.slots = new Map();
    /** Offsets of 8 bytes that are written. */
    this.written = new Set();
    /** Registers or slots that hold something to be released before exit. */
    this.references = [];
    this.returns = "any";
    this.locked = false;
  }

  push(...insns) {
    this.code.push(...insns.flat());
  }

  get length() {
    return this.code.length;
  }

  mistake(factor = 1) {
    return this.random.chance(MISTAKE * factor);
  }

  imm() {
    const { random } = this;
    const kind = random.below(8);
    if (kind < 3) return random.pick(edges);
    if (kind < 6) return random.below(64);
    if (kind === 6) return random.pick([1, -1]) * (1 << random.below(31)) + random.below(3) - 1;
    return random.below(0x100000000) | 0;
  }

  all(kind) {
    const list = [];
    for (let i = 0; i < 10; i++) if (this.registers[i]?.kind === kind) list.push(i);
    return list;
  }

  /** A register that holds a scalar, made where there is none. */
  scalar() {
    if (this.mistake(0.5)) return this.random.below(11);
    const list = this.all("scalar");
    if (list.length > 0) return this.random.pick(list);
    const dst = this.target();
    this.push(mov(dst, this.imm()));
    this.set(dst, { kind: "scalar" });
    return dst;
  }

  /** A scalar that is not in `except`. */
  scalarBut(...except) {
    const list = this.all("scalar").filter((register) => !except.includes(register));
    if (list.length > 0) return this.random.pick(list);
    const dst = this.targetBut(...except);
    this.push(mov(dst, this.imm()));
    this.set(dst, { kind: "scalar" });
    return dst;
  }

  /** A register to overwrite: not the context, rarely something to be released. */
  target() {
    return this.targetBut();
  }

  targetBut(...except) {
    const { random } = this;
    for (let attempt = 0; attempt < 20; attempt++) {
      const register = random.below(10);
      if (except.includes(register)) continue;
      const held = this.registers[register];
      if (register === R6 && held?.kind === "ctx" && !this.mistake(0.3)) continue;
      if (held?.reference !== undefined && !this.mistake()) continue;
      if (held !== undefined && held.kind !== "scalar" && random.chance(0.6)) continue;
      return register;
    }
    return [R9, R8, R7, R0].find((register) => !except.includes(register));
  }

  set(register, what) {
    this.registers[register] = what;
  }

  forget(...registers) {
    for (const register of registers) this.registers[register] = undefined;
  }

  /** After a call: r1 to r5 are gone. */
  afterCall(result) {
    this.forget(1, 2, 3, 4, 5);
    this.set(R0, result);
  }

  call(id, result) {
    this.push(call(id));
    this.afterCall(result);
  }

  /** Writes `size` bytes of stack, and answers their offset. */
  stackArea(size, { initialized = true } = {}) {
    const { random } = this;
    const slots = Math.max(1, Math.ceil(size / 8));
    const offset = -8 * (slots + random.below(Math.max(1, 24 - slots)));
    for (let at = offset; at < offset + slots * 8; at += 8) {
      this.slots.delete(at);
      if (!initialized || this.mistake()) continue;
      if (this.written.has(at) && random.chance(0.5)) continue;
      if (random.chance(0.6)) this.push(storeImm(8, FP, at, this.imm()));
      else this.push(store(8, FP, this.scalar(), at));
      this.written.add(at);
    }
    return offset;
  }

  /** Puts a pointer to the stack into a register. */
  stackPointer(dst, offset) {
    this.push(movReg(dst, FP), addImm(dst, offset));
    this.set(dst, { kind: "stack", offset });
  }

  /** Ends the function here, with r0 and references in order. */
  leave() {
    const { random } = this;
    if (!this.mistake(2)) this.releaseAll();
    const held = this.registers[R0];
    if (this.returns === "any" && held?.kind === "scalar" && random.chance(0.4)) {
      // As it stands.
    } else if (random.chance(0.9) || held?.kind !== "scalar") this.push(mov(R0, random.below(2)));
    else this.push(insn(0x57, R0, 0, 0, 1));
    if (this.mistake(2)) this.code.pop();
    this.push(exit());
  }

  releaseAll() {
    while (this.references.length > 0) this.release(this.references.at(-1));
  }

  /** Releases a reference: `{ register, helper, extra }`. */
  release(reference) {
    this.references = this.references.filter((other) => other !== reference);
    this.push(movReg(1, reference.register));
    if (reference.extra) this.push(mov(2, 0));
    for (let i = 0; i < 10; i++) if (this.registers[i]?.reference === reference.id) this.registers[i] = undefined;
    for (const [offset, what] of this.slots) if (what.reference === reference.id) this.slots.delete(offset);
    this.call(reference.helper, reference.extra ? undefined : { kind: "scalar" });
  }

  /** What is known, to go back to in another branch. */
  snapshot() {
    return {
      registers: [...this.registers],
      slots: new Map(this.slots),
      written: new Set(this.written),
      references: [...this.references],
    };
  }

  restore({ registers, slots, written, references }) {
    this.registers = [...registers];
    this.slots = new Map(slots);
    this.written = new Set(written);
    this.references = [...references];
  }

  /** Keeps what holds both here and in another branch. */
  meet(other) {
    const same = (a, b) => a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b);
    this.registers = this.registers.map((what, i) => (same(what, other.registers[i]) ? what : undefined));
    for (const [offset, what] of this.slots) if (!same(what, other.slots.get(offset))) this.slots.delete(offset);
    for (const offset of this.written) if (!other.written.has(offset)) this.written.delete(offset);
  }
}
