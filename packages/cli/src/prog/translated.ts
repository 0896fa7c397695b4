import { helperName } from "@tsbpf/core/abi";
import type { Btf } from "@tsbpf/core/btf";
import { decodeSlots, disassemble, OPCODE_CALL } from "@tsbpf/core/isa";
import type { KernelSymbols } from "../live/kernel-symbols.js";
import type { LiveLayout } from "../live/live-host.js";
import { prototypeText } from "./prototype.js";
import { linesBySlot, type SourceLine } from "./source-lines.js";

/** One instruction of a program as the verifier left it. */
export interface TranslatedLine {
  readonly slot: number;
  /** `(bf) r6 = r1` */
  readonly text: string;
  /** Its 8 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** Prototype of the function that starts here. */
  readonly prototype?: string | undefined;
  /** The source line that starts here. */
  readonly source?: SourceLine | undefined;
}

/** What gives names to the addresses that translated instructions have in them; nothing where it is undefined. */
export interface TranslatedNames {
  readonly btf: Btf | undefined;
  readonly symbols: KernelSymbols | undefined;
}

/** Lists the translated instructions of a program. */
export function listTranslated(layout: LiveLayout, names: TranslatedNames): TranslatedLine[] {
  const slots = decodeSlots(layout.xlated);
  const callees = new Map<number, string | undefined>();
  // The kernel puts a function's number into the immediate of a call and the distance into the offset.
  for (let slot = 0; slot < slots.length; slot++) {
    if (slots.opcode[slot] !== OPCODE_CALL || slots.src[slot] !== 1) continue;
    const address = layout.nativeFunctions[slots.imm[slot]!]?.address;
    slots.imm[slot] = slots.offset[slot]!;
    slots.offset[slot] = 0;
    callees.set(slot + 1 + slots.imm[slot]!, address === undefined ? undefined : names.symbols?.nameAt(address));
  }
  const base = names.symbols?.addressOf("__bpf_call_base");
  const lines = disassemble(slots, {
    style: "kernel",
    names: {
      // Helpers that the verifier has resolved are distances from a symbol of the kernel.
      helper: (id) => helperName(id) ?? (base === undefined ? undefined : names.symbols?.nameAt(base + BigInt(id))),
      label: (slot) => callees.get(slot),
      wide: (source, imm, immHigh) => {
        if (source === "map_fd") return `map[id:${imm >>> 0}]`;
        if (source === "map_value") return `map[id:${imm >>> 0}][0]+${immHigh >>> 0}`;
        return undefined;
      },
    },
  });
  const sources = linesBySlot(layout, names.btf);
  const functions = new Map(layout.functions.map(({ slot, typeId }) => [slot, typeId]));
  return lines.map(({ slot, text }) => {
    const typeId = functions.get(slot);
    const opcode = layout.xlated[slot * 8]!;
    return {
      slot,
      text: `(${opcode.toString(16).padStart(2, "0")}) ${text}`,
      bytes: layout.xlated.subarray(slot * 8, (slot + (opcode === 0x18 ? 2 : 1)) * 8),
      prototype: typeId === undefined || names.btf === undefined ? undefined : prototypeText(names.btf, typeId),
      source: sources.get(slot),
    };
  });
}
