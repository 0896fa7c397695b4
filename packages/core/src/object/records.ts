import { FormatError } from "../base/index.js";
import type { BtfExt } from "../btf/index.js";
import { SLOT_SIZE } from "../isa/index.js";
import { type CoreRelocation, coreRelocationKinds, type LineRecord } from "../spec/index.js";
import type { CodeSection, ObjectFunction } from "./code.js";

/** What .BTF.ext says of one function; slots count from its start. */
export interface FunctionRecords {
  /** Its BTF func; 0 where there is none. */
  readonly typeId: number;
  readonly lines: readonly LineRecord[];
  readonly coreRelocations: readonly CoreRelocation[];
}

interface Located {
  readonly offset: number;
}

function offsetSlot({ offset }: Located): number {
  return offset / SLOT_SIZE;
}

/** A line record for another slot. */
export function lineAt(slot: number, { file, line, column, text }: Omit<LineRecord, "slot">): LineRecord {
  return { slot, file, line, column, text };
}

/** The records of .BTF.ext, found by function. */
export class RecordIndex {
  readonly #ext: BtfExt | undefined;
  readonly #checked = new Set<readonly Located[]>();

  constructor(ext: BtfExt | undefined) {
    this.#ext = ext;
  }

  /** @throws FormatError where records of a section aren't in the order of its instructions. */
  of(fn: ObjectFunction): FunctionRecords {
    const ext = this.#ext;
    if (ext === undefined) return { typeId: 0, lines: [], coreRelocations: [] };
    const { section, start } = fn;
    const [func] = this.#within(ext.functions.get(section.name), section, start, start + 1);
    const lines = this.#within(ext.lines.get(section.name), section, start, fn.end);
    const relocations = this.#within(ext.coreRelocations.get(section.name), section, start, fn.end);
    return {
      typeId: func?.typeId ?? 0,
      lines: lines.map((each) => lineAt(offsetSlot(each) - start, each)),
      coreRelocations: relocations.map((each) => ({
        slot: offsetSlot(each) - start,
        kind: coreRelocationKinds[each.kind]!,
        typeId: each.typeId,
        access: each.access,
      })),
    };
  }

  #within<T extends Located>(records: readonly T[] | undefined, section: CodeSection, start: number, end: number): T[] {
    if (records === undefined) return [];
    this.#check(records, section);
    const from = firstFrom(records, start * SLOT_SIZE);
    const to = firstFrom(records, end * SLOT_SIZE);
    return records.slice(from, to);
  }

  #check(records: readonly Located[], section: CodeSection): void {
    if (this.#checked.has(records)) return;
    this.#checked.add(records);
    let before = -1;
    for (const { offset } of records) {
      if (offset <= before || offset % SLOT_SIZE !== 0 || offset >= section.bytes.length) {
        throw new FormatError(`a record of ${section.name} for byte ${offset} is out of order or place`, {
          section: ".BTF.ext",
        });
      }
      before = offset;
    }
  }
}

function firstFrom(records: readonly Located[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
