import type { Btf } from "./btf.js";
import { isKernelIdentifier } from "./check-names.js";
import { resolve } from "./graph.js";
import type { BtfComposite, BtfInt, BtfMember } from "./types.js";

/** Whether an int is a whole number of bytes, as all but old compilers' bit field types are. */
export function isRegularInt(type: BtfInt): boolean {
  return type.bitOffset === 0 && [8, 16, 32, 64, 128].includes(type.bits);
}

/** What the kernel has against the members of a struct or union. */
export function memberProblem(btf: Btf, type: BtfComposite): string | undefined {
  let last = 0;
  const flagged = type.members.some((member) => member.bitSize !== 0);
  for (const [index, member] of type.members.entries()) {
    const problem = placeProblem(type, member, last) ?? typeProblem(btf, type, member, flagged);
    if (problem !== undefined) return `member ${index}: ${problem}`;
    last = member.bitOffset;
  }
  return undefined;
}

function placeProblem(type: BtfComposite, member: BtfMember, last: number): string | undefined {
  if (member.name !== "" && !isKernelIdentifier(member.name)) return "Invalid name";
  if (member.type === 0) return "Invalid type_id";
  if ((type.kind === "union" && member.bitOffset !== 0) || last > member.bitOffset) return "Invalid member bits_offset";
  if (Math.ceil(member.bitOffset / 8) > type.size) return "Member bits_offset exceeds its struct size";
  return undefined;
}

function typeProblem(btf: Btf, struct: BtfComposite, member: BtfMember, flagged: boolean): string | undefined {
  const type = btf.type(resolve(btf, member.type));
  const { bitOffset, bitSize } = member;
  const aligned = bitOffset % 8 === 0;
  switch (type.kind) {
    case "int":
      return intProblem(struct, member, type, flagged);
    case "enum":
    case "enum64": {
      const bits = bitSize || (flagged ? 32 : type.size * 8);
      if (bitSize > 32) return "Invalid member bitfield_size";
      if (bitSize === 0 && !aligned) return "Member is not byte aligned";
      return endProblem(struct, bitOffset + bits);
    }
    case "float": {
      if (bitSize !== 0) return "Invalid member bitfield_size";
      if (bitOffset % (Math.min(8, type.size) * 8) !== 0) return "Member is not properly aligned";
      return endProblem(struct, bitOffset + type.size * 8);
    }
    case "ptr":
    case "array":
    case "struct":
    case "union": {
      if (bitSize !== 0) return "Invalid member bitfield_size";
      if (!aligned) return "Member is not byte aligned";
      const size = btf.size(member.type);
      return size === undefined ? "Invalid member" : endProblem(struct, bitOffset + size * 8);
    }
    default:
      return "Invalid member";
  }
}

function intProblem(struct: BtfComposite, member: BtfMember, type: BtfInt, flagged: boolean): string | undefined {
  const { bitOffset, bitSize } = member;
  if (flagged && !isRegularInt(type)) return "Invalid member base type";
  if (bitSize > type.bits) return "Invalid member bitfield_size";
  if (flagged && bitSize === 0 && bitOffset % 8 !== 0) return "Invalid member offset";
  const start = bitOffset + type.bitOffset;
  const bits = bitSize || type.bits;
  if ((start % 8) + bits > 128) return "nr_copy_bits exceeds 128";
  return endProblem(struct, start + bits);
}

function endProblem(struct: BtfComposite, endBit: number): string | undefined {
  return Math.ceil(endBit / 8) > struct.size ? "Member exceeds struct_size" : undefined;
}
