import type { TranslatedLine } from "./translated.js";

/** A run of instructions that is entered at its start and left at its end only. */
export interface Block {
  readonly lines: readonly TranslatedLine[];
  /** Blocks that may come next, by their index in the function: what follows first, then where a jump goes. */
  readonly next: readonly number[];
  /** Does the program, or the function, end here? */
  readonly leaves: boolean;
}

/** A function's control flow; `blocks[0]` is where it begins. */
export interface FlowGraph {
  readonly name: string;
  readonly blocks: readonly Block[];
}

const JA = 0x05;
const JA32 = 0x06;
const EXIT = 0x95;
const CALL = 0x85;

/** Splits a listing into functions, at its prototypes and where it calls itself, and those into blocks. */
export function flowGraphs(lines: readonly TranslatedLine[]): FlowGraph[] {
  const starts = new Set([0]);
  for (const { slot, bytes, prototype } of lines) {
    if (prototype !== undefined) starts.add(slot);
    if (bytes[0] === CALL && bytes[1]! >> 4 === 1) starts.add(slot + 1 + i16(bytes));
  }
  const parts: TranslatedLine[][] = [];
  for (const line of lines) {
    if (starts.has(line.slot)) parts.push([]);
    parts.at(-1)?.push(line);
  }
  return parts.map((part, index) => ({ name: nameOf(part[0]!, index), blocks: blocksOf(part) }));
}

function nameOf({ prototype }: TranslatedLine, index: number): string {
  return /(\w+)\(/.exec(prototype ?? "")?.[1] ?? `func_${index}`;
}

const i16 = (bytes: Uint8Array) => ((bytes[2]! | (bytes[3]! << 8)) << 16) >> 16;
const i32 = (bytes: Uint8Array) => bytes[4]! | (bytes[5]! << 8) | (bytes[6]! << 16) | (bytes[7]! << 24);

/** Where a jump goes, as a slot; undefined for what is no jump. */
function jumpTarget({ slot, bytes }: TranslatedLine): number | undefined {
  const opcode = bytes[0]!;
  const kind = opcode & 7;
  if ((kind !== 5 && kind !== 6) || opcode === CALL || opcode === EXIT) return undefined;
  return slot + 1 + (opcode === JA32 ? i32(bytes) : i16(bytes));
}

function blocksOf(lines: readonly TranslatedLine[]): Block[] {
  const first = lines[0]!.slot;
  const leaders = new Set([first]);
  lines.forEach((line, index) => {
    const target = jumpTarget(line);
    if (target !== undefined) leaders.add(target);
    const following = lines[index + 1];
    if ((target !== undefined || line.bytes[0] === EXIT) && following !== undefined) leaders.add(following.slot);
  });
  const groups: TranslatedLine[][] = [];
  for (const line of lines) {
    if (leaders.has(line.slot)) groups.push([]);
    groups.at(-1)!.push(line);
  }
  const indexOf = new Map(groups.map((group, index) => [group[0]!.slot, index]));
  return groups.map((group, index) => {
    const last = group.at(-1)!;
    const target = jumpTarget(last);
    const leaves = last.bytes[0] === EXIT;
    const next: number[] = [];
    const always = last.bytes[0] === JA || last.bytes[0] === JA32;
    if (!leaves && !always && index + 1 < groups.length) next.push(index + 1);
    const jumped = target === undefined ? undefined : indexOf.get(target);
    if (jumped !== undefined && !next.includes(jumped)) next.push(jumped);
    return { lines: group, next, leaves };
  });
}
