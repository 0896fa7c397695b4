import type { Btf } from "./btf.js";
import { memberBits, resolve } from "./graph.js";
import type { BtfComposite, BtfMember, TypeId } from "./types.js";

/** What stands in a struct's braces: a member, or bits without a name. */
export type LayoutItem =
  | { readonly member: BtfMember; readonly bitSize: number }
  /** Unnamed bit field of `bits` bits of an integer of `unit` bits. */
  | { readonly padding: number; readonly unit: 8 | 16 | 32 | 64 }
  /** A gap of so many bytes that it is an array, which has to have a name; `at` is its first byte. */
  | { readonly gap: number; readonly at: number };

/** How to write a struct or union so that a compiler lays it out as BTF says. */
export interface CompositeLayout {
  readonly packed: boolean;
  readonly items: readonly LayoutItem[];
  /** False where C has no such layout: members that overlap, or that lie beyond the end. Then there are no items. */
  readonly expressible: boolean;
}

/**
 * Layouts in C on 64-bit machines. BTF has offsets and sizes but neither `packed` nor `aligned`: a type is packed here
 * when its offsets or its size don't suit its members, and what alignment leaves open is filled with unnamed bit fields.
 * Alignment that nothing but an attribute asks for is lost, offsets and sizes are not.
 */
export class CLayouts {
  readonly #btf: Btf;
  readonly #alignments = new Map<TypeId, number>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** Alignment in bytes that the type has as it is written. */
  alignment(id: TypeId): number {
    const resolved = resolve(this.#btf, id);
    const known = this.#alignments.get(resolved);
    if (known !== undefined) return known;
    const type = this.#btf.type(resolved);
    let alignment = this.#btf.alignment(resolved);
    if (type.kind === "array") alignment = this.alignment(type.type);
    else if (type.kind === "struct" || type.kind === "union") {
      alignment = this.#isPacked(type) ? 1 : this.#widest(type);
    }
    this.#alignments.set(resolved, alignment);
    return alignment;
  }

  layout(type: BtfComposite): CompositeLayout {
    const packed = this.#isPacked(type);
    return type.kind === "union" ? this.#union(type, packed) : this.#struct(type, packed);
  }

  #widest(type: BtfComposite): number {
    return type.members.reduce((widest, member) => Math.max(widest, this.alignment(member.type)), 1);
  }

  #isPacked(type: BtfComposite): boolean {
    if (type.members.length > 0 && type.size % this.#widest(type) !== 0) return true;
    return type.members.some((member) => {
      const { bitOffset, bitSize } = memberBits(this.#btf, member);
      if (bitSize === 0) return bitOffset % (this.alignment(member.type) * 8) !== 0;
      const unit = (this.#btf.size(member.type) ?? 1) * 8;
      return Math.floor(bitOffset / unit) !== Math.floor((bitOffset + bitSize - 1) / unit);
    });
  }

  #union(type: BtfComposite, packed: boolean): CompositeLayout {
    const items: LayoutItem[] = [];
    let end = 0;
    for (const member of type.members) {
      const { bitOffset, bitSize } = memberBits(this.#btf, member);
      if (bitOffset !== 0) return INEXPRESSIBLE;
      items.push({ member, bitSize });
      end = Math.max(end, bitSize || (this.#btf.size(member.type) ?? 0) * 8);
    }
    const alignment = packed ? 1 : this.#widest(type);
    if (end > type.size * 8) return INEXPRESSIBLE;
    const natural = roundUp(end, alignment * 8);
    // A union grows only by a member as large as it; its padding is one bit field, which no machine has beyond 64 bits.
    if (natural < type.size * 8) {
      if (type.size > 8) return INEXPRESSIBLE;
      items.push({ padding: type.size * 8, unit: unitOf(Math.max(alignment, 2 ** Math.ceil(Math.log2(type.size)))) });
    }
    return { packed, items, expressible: true };
  }

  #struct(type: BtfComposite, packed: boolean): CompositeLayout {
    const alignment = packed ? 1 : this.#widest(type);
    const items: LayoutItem[] = [];
    let end = 0;
    for (const member of type.members) {
      const { bitOffset, bitSize } = memberBits(this.#btf, member);
      if (bitOffset < end) return INEXPRESSIBLE;
      if (this.#natural(member, end, bitSize, packed) !== bitOffset) pad(items, end, bitOffset, alignment);
      items.push({ member, bitSize });
      end = bitOffset + (bitSize || (this.#btf.size(member.type) ?? 0) * 8);
    }
    const size = type.size * 8;
    if (end > size) return INEXPRESSIBLE;
    if (roundUp(end, alignment * 8) !== size) pad(items, end, size, alignment);
    return { packed, items, expressible: true };
  }

  /** Where the compiler would put a member behind bit `end`. */
  #natural(member: BtfMember, end: number, bitSize: number, packed: boolean): number {
    if (bitSize === 0) return roundUp(end, packed ? 8 : this.alignment(member.type) * 8);
    if (packed) return end;
    const unit = (this.#btf.size(member.type) ?? 1) * 8;
    return Math.floor(end / unit) === Math.floor((end + bitSize - 1) / unit) ? end : roundUp(end, unit);
  }
}

const INEXPRESSIBLE: CompositeLayout = { packed: false, items: [], expressible: false };

/** Gaps of more bits are not filled with bit fields. */
const MAX_FILL = 8 * 512;

/**
 * Unnamed bit fields from bit `from` up to `to`, each within one integer of the struct's own alignment: some machines
 * align a struct by its unnamed bit fields too.
 */
function pad(items: LayoutItem[], from: number, to: number, alignment: number): void {
  const unit = unitOf(alignment);
  for (let at = from; at < to; ) {
    if (to - at > MAX_FILL && at % 8 === 0) {
      const gap = Math.floor((to - at) / 8);
      items.push({ gap, at: at / 8 });
      at += gap * 8;
      continue;
    }
    const padding = Math.min(to - at, unit - (at % unit));
    items.push({ padding, unit });
    at += padding;
  }
}

function unitOf(alignment: number): 8 | 16 | 32 | 64 {
  return alignment >= 8 ? 64 : alignment >= 4 ? 32 : alignment >= 2 ? 16 : 8;
}

function roundUp(bits: number, unit: number): number {
  return Math.ceil(bits / unit) * unit;
}
