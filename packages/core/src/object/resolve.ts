import { FormatError } from "../base/index.js";
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, OPCODE_CALL, OPCODE_LDDW, SLOT_SIZE } from "../isa/index.js";
import type { Reference } from "../spec/index.js";
import { type CodeSection, functionAt, type ObjectFunction } from "./code.js";
import type { Externs } from "./externs.js";
import type { MapTable } from "./map-table.js";
import { type ElfRelocation, R_BPF_64_32, R_BPF_64_64 } from "./relocations.js";
import { type ElfSymbol, SHN_UNDEF, type SymbolTable } from "./symbols.js";

/** An instruction that calls a function of the object or takes its address. */
export interface CallSite {
  /** Slots from the start of the function. */
  readonly slot: number;
  readonly target: ObjectFunction;
}

/** What the instructions of one function refer to; slots count from its start. */
export interface FunctionLinks {
  readonly calls: readonly CallSite[];
  readonly references: readonly Reference[];
}

/** What symbols may stand for. */
export interface SymbolScope {
  readonly symbols: SymbolTable;
  readonly code: ReadonlyMap<number, CodeSection>;
  readonly maps: MapTable;
  readonly externs: Externs;
  /** Makes a data map of another section that instructions point into; false for one that can't be one. */
  readonly adoptData: (section: number) => boolean;
}

/**
 * Finds the calls and the references of a function from its relocations, and from calls that the compiler resolved
 * within a section.
 *
 * @throws FormatError for a relocation of something that isn't a load or a call, or whose symbol makes no sense there
 */
export function resolveFunction(fn: ObjectFunction, scope: SymbolScope): FunctionLinks {
  const { section, start, end } = fn;
  const { bytes, relocations } = section;
  const calls: CallSite[] = [];
  const references: Reference[] = [];
  let next = firstFrom(relocations, start * SLOT_SIZE);
  for (let slot = start; slot < end; slot++) {
    const at = slot * SLOT_SIZE;
    const relocation = relocations[next]?.offset === at ? relocations[next++] : undefined;
    const opcode = bytes[at]!;
    const source = bytes[at + 1]! >> 4;
    const insn: Site = { section, slot, here: slot - start };
    if (opcode === OPCODE_LDDW) {
      if (slot + 1 >= end) fail(insn, "a 64-bit load without its second slot");
      if (relocation !== undefined) resolveLoad(insn, relocation, scope, calls, references);
      else if (source === BPF_PSEUDO_FUNC) calls.push({ slot: insn.here, target: localTarget(insn) });
      slot++;
    } else if (opcode === OPCODE_CALL) {
      if (relocation !== undefined) resolveCall(insn, relocation, scope, calls, references);
      else if (source === BPF_PSEUDO_CALL && !staysWithin(fn, insn)) {
        calls.push({ slot: insn.here, target: localTarget(insn) });
      }
    } else if (relocation !== undefined) {
      fail(insn, `a relocation of type ${relocation.type} of opcode 0x${opcode.toString(16)}, neither load nor call`);
    }
    // A relocation between instructions would be passed over otherwise.
    if (next < relocations.length && relocations[next]!.offset < (slot + 1) * SLOT_SIZE) {
      fail(insn, `a relocation at byte ${relocations[next]!.offset}, where no instruction starts`);
    }
  }
  return { calls, references };
}

interface Site {
  readonly section: CodeSection;
  /** Within the section. */
  readonly slot: number;
  /** Within the function. */
  readonly here: number;
}

function resolveLoad(
  site: Site,
  relocation: ElfRelocation,
  scope: SymbolScope,
  calls: CallSite[],
  references: Reference[],
): void {
  expectType(site, relocation, R_BPF_64_64);
  const symbol = scope.symbols.at(relocation.symbol);
  if (symbol.section === SHN_UNDEF) {
    const extern = scope.externs.byName.get(symbol.name) ?? fail(site, "a load of an undefined symbol without a name");
    if (extern.kind === "kconfig") {
      references.push({ kind: "map_value", slot: site.here, map: ".kconfig", offset: extern.offset + immediate(site) });
    } else {
      references.push({ ...extern, kind: "ksym", slot: site.here, name: symbol.name });
    }
    return;
  }
  const offset = symbol.value + immediate(site);
  const code = scope.code.get(symbol.section);
  if (code !== undefined) {
    calls.push({ slot: site.here, target: functionIn(site, code, offset / SLOT_SIZE, symbol) });
    return;
  }
  let place = scope.maps.at(symbol.section, offset);
  if (place === undefined && scope.adoptData(symbol.section)) place = scope.maps.at(symbol.section, offset);
  if (place === undefined)
    fail(site, `${describe(symbol)} at byte ${offset} is no map, no global data and no function`);
  references.push({ ...place, slot: site.here });
}

function resolveCall(
  site: Site,
  relocation: ElfRelocation,
  scope: SymbolScope,
  calls: CallSite[],
  references: Reference[],
): void {
  expectType(site, relocation, R_BPF_64_32);
  const symbol = scope.symbols.at(relocation.symbol);
  if (symbol.section === SHN_UNDEF) {
    const extern = scope.externs.byName.get(symbol.name);
    if (extern?.kind !== "ksym") fail(site, `a call of ${describe(symbol)}, which is no function`);
    references.push({ ...extern, kind: "kfunc", slot: site.here, name: symbol.name });
    return;
  }
  const code = scope.code.get(symbol.section) ?? fail(site, `a call of ${describe(symbol)}, which is no function`);
  calls.push({
    slot: site.here,
    target: functionIn(site, code, symbol.value / SLOT_SIZE + immediate(site) + 1, symbol),
  });
}

/** A call from a function into itself, where one symbol covers several: the distance holds wherever the function goes. */
function staysWithin(fn: ObjectFunction, site: Site): boolean {
  const target = site.slot + immediate(site) + 1;
  return target >= fn.start && target < fn.end;
}

/** The target of a call that counts from the instruction after it. */
function localTarget(site: Site): ObjectFunction {
  return functionIn(site, site.section, site.slot + immediate(site) + 1, undefined);
}

function functionIn(site: Site, code: CodeSection, slot: number, symbol: ElfSymbol | undefined): ObjectFunction {
  const target = functionAt(code, slot);
  if (target !== undefined) return target;
  return fail(site, `no function starts at slot ${slot} of ${code.name}${symbol ? ` (${describe(symbol)})` : ""}`);
}

/** The signed immediate of the instruction: the addend of its relocation. */
function immediate({ section: { bytes }, slot }: Site): number {
  const at = slot * SLOT_SIZE + 4;
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function expectType(site: Site, { type }: ElfRelocation, expected: number): void {
  if (type !== expected) fail(site, `a relocation of type ${type}, ${expected} is expected here`);
}

function describe(symbol: ElfSymbol): string {
  return symbol.name === "" ? `section ${symbol.section}` : `symbol "${symbol.name}"`;
}

function fail({ section, slot }: Site, message: string): never {
  throw new FormatError(message, { section: section.name, offset: slot * SLOT_SIZE });
}

function firstFrom(relocations: readonly ElfRelocation[], offset: number): number {
  let low = 0;
  let high = relocations.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (relocations[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
