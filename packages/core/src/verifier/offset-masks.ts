import { ENOMEM } from "../abi/index.js";
import { type Analysis, NO_SPECULATION, Rejection } from "./analysis.js";
import { ADD } from "./domain/arithmetic.js";
import {
  copyRegister,
  isConstant,
  OBJECT,
  OFF,
  REGISTER_WORDS,
  SMAX,
  SMIN,
  TYPE,
  UMAX,
  VALUE,
} from "./domain/register.js";
import { pushSpeculation } from "./pending.js";
import { MAP_VALUE, STACK } from "./pointer-types.js";
import { MAX_STACK } from "./state.js";

const PROHIBITED = "pointer arithmetic with it prohibited for !root";

// What an addition or subtraction of registers is patched with; 0: nothing was noted yet.
const SCALARS = 1;
const POINTER = 2;
const SCALAR_IS_DESTINATION = 4;
const NEGATIVE = 8;
const CONSTANT = 16;

/** What stands in the way of a mask. */
type Obstacle = "bounds" | "type" | "limit" | "paths";

/** An addition to a pointer, half-way. */
interface Operands {
  readonly operation: number;
  readonly dst: number;
  readonly src: number;
  /** `scalar += pointer`. */
  readonly scalarIsDst: boolean;
  /** Copies of both operands as they were. */
  readonly records: Int32Array;
  readonly pointer: number;
  readonly scalar: number;
}

/**
 * Where the loader may not know the kernel's addresses, the kernel patches every addition of a register to a pointer, so
 * that the amount is forced to 0 when it is out of bounds, as it can be only on a path that the CPU guessed wrongly
 * (Spectre v1). One mask has to do for all paths that come to an instruction, and what follows has to be safe with a 0
 * added: that is walked as a speculative path.
 *
 * @see https://docs.kernel.org/bpf/ and https://www.kernel.org/doc/html/latest/admin-guide/hw-vuln/spectre.html
 */
export class OffsetMasks {
  readonly #analysis: Analysis;
  #kinds = new Uint8Array(0);
  #limits = new Int32Array(0);
  /** Of the addition being looked at: as its first half found it. */
  #kind = 0;
  #limit = 0;
  #toLeft = false;

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
    if (!analysis.speculates) return;
    this.#kinds = new Uint8Array(analysis.insns.length);
    this.#limits = new Int32Array(analysis.insns.length);
  }

  /** A barrier before an instruction makes a mask needless. */
  clear(slot: number): void {
    this.#kinds[slot] = 0;
  }

  /** Immediates need no mask: they are what they are on any path. */
  #isNeedless(): boolean {
    const { insns, points, slot, speculates } = this.#analysis;
    return !speculates || (insns.opcode[slot]! & 8) === 0 || (points[slot]! & NO_SPECULATION) !== 0;
  }

  /** An addition or subtraction of scalars: no path may come to it with a pointer. */
  noteScalars(operation: number, dst: number): void {
    if (this.#isNeedless() || this.#note(SCALARS, 0)) return;
    this.#refuse("paths", { operation, dst });
  }

  #note(kind: number, limit: number): boolean {
    const { slot } = this.#analysis;
    if (this.#kinds[slot] !== 0 && (this.#kinds[slot] !== kind || this.#limits[slot] !== limit)) return false;
    this.#kinds[slot] = kind;
    this.#limits[slot] = limit;
    return true;
  }

  /** Before an addition to a pointer, whose destination is `r` at `to`: can it be masked, and is 0 safe to add? */
  begin(operands: Operands, r: Int32Array, to: number): void {
    if (this.#isNeedless()) return;
    const { records, scalar } = operands;
    const constant = isConstant(records, scalar);
    if (!this.#analysis.state.speculative) {
      const obstacle = this.#measure(operands, constant);
      if (obstacle !== undefined) this.#refuse(obstacle, operands);
    }
    if (!constant) this.#walkWithZero(operands, r, to);
  }

  #measure({ operation, records, pointer, scalar, scalarIsDst }: Operands, constant: boolean): Obstacle | undefined {
    const negative = records[scalar + SMIN + 1]! < 0;
    if (!constant && negative !== records[scalar + SMAX + 1]! < 0) return "bounds";
    this.#toLeft = (operation === ADD) === negative;
    const limit = this.#distance(records, pointer);
    if (typeof limit === "string") return limit;
    this.#kind =
      POINTER | (scalarIsDst ? SCALAR_IS_DESTINATION : 0) | (negative ? NEGATIVE : 0) | (constant ? CONSTANT : 0);
    this.#limit = limit;
    if (!constant) this.#analysis.comparesExactly = true;
    return undefined;
  }

  /** Bytes between a pointer and the end that it is moved from. */
  #distance(r: Int32Array, at: number): number | Obstacle {
    let limit: number;
    let end: number;
    switch (r[at + TYPE]) {
      case STACK:
        limit = -(r[at + VALUE]! + r[at + OFF]!) >>> 0;
        end = MAX_STACK + (this.#toLeft ? 1 : 0);
        break;
      case MAP_VALUE:
        limit = (r[at + (this.#toLeft ? SMIN : UMAX)]! + r[at + OFF]!) >>> 0;
        end = this.#analysis.mapOf(r[at + OBJECT]!).valueSize;
        break;
      default:
        return "type";
    }
    return limit >= end ? "limit" : limit | 0;
  }

  #walkWithZero(operands: Operands, r: Int32Array, to: number): void {
    const analysis = this.#analysis;
    if (operands.scalarIsDst) {
      copyRegister(saved, 0, r, to);
      copyRegister(r, to, operands.records, operands.pointer);
    }
    try {
      pushSpeculation(analysis, analysis.slot + 1, analysis.slot, []);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const message = `R${operands.dst} could not be pushed for speculative verification, ${PROHIBITED}`;
      analysis.reject("too_complex", ENOMEM, message);
    }
    if (operands.scalarIsDst) copyRegister(r, to, saved, 0);
  }

  /** After an addition to a pointer: the way that it really went is how far the mask lets it go. */
  finish(operands: Operands, r: Int32Array, to: number): void {
    if (this.#isNeedless() || this.#analysis.state.speculative) return;
    const limit = this.#distance(r, to);
    if (typeof limit === "string") this.#refuse(limit, operands);
    if (!this.#note(this.#kind, Math.abs((this.#limit - limit) | 0))) this.#refuse("paths", operands);
  }

  #refuse(obstacle: Obstacle, operands: Pick<Operands, "operation" | "dst"> & Partial<Operands>): never {
    const { operation, dst, src = dst, scalarIsDst = true } = operands;
    const does = `R${dst} tried to ${operation === ADD ? "add" : "sub"}`;
    const messages: Readonly<Record<Obstacle, string>> = {
      bounds: `R${scalarIsDst ? dst : src} has unknown scalar with mixed signed bounds`,
      type: `R${scalarIsDst ? src : dst} has pointer with unsupported alu operation`,
      paths: `${does} from different maps, paths or scalars`,
      limit: `${does} beyond pointer bounds`,
    };
    return this.#analysis.deny("pointer_arithmetic", `${messages[obstacle]}, ${PROHIBITED}`);
  }
}

const saved = new Int32Array(REGISTER_WORDS);
