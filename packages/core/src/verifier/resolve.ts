import { E2BIG, EBADF } from "../abi/index.js";
import {
  BPF_LDX,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  OPCODE_LDDW,
} from "../isa/index.js";
import type { Analysis } from "./analysis.js";
import type { VerifierMap } from "./input.js";
import { checkKernelSymbol } from "./kernel-symbols.js";
import { checkMapForProgram } from "./map-rules.js";

const MAX_USED_MAPS = 64;
/** `BPF_MAX_VAR_SIZ`: offsets into a map's value end here. */
const MAX_VALUE_OFFSET = 1 << 29;
const MAP_TYPE_ARRAY = 2;
const MAP_TYPE_ARENA = 33;

/** Opcodes that have a meaning; the loads through lddw are judged apart. */
function isKnownOpcode(opcode: number): boolean {
  const operation = opcode >> 4;
  switch (opcode & 7) {
    case 0: // legacy packet loads, not of 8 bytes
      return (opcode & 0xe0) !== 0 && (opcode & 0xe0) <= 0x40 && (opcode & 0x18) !== 0x18;
    case 1:
      return (opcode & 0xe0) === 0x60 || ((opcode & 0xe0) === 0x80 && (opcode & 0x18) !== 0x18);
    case 2:
      return (opcode & 0xe0) === 0x60;
    case 3:
      return (opcode & 0xe0) === 0x60 || (opcode & 0xe0) === 0xc0;
    case 4:
    case 7:
      if (operation === 8) return (opcode & 8) === 0;
      if (operation === 13) return opcode !== 0xdf;
      return operation <= 13;
    case 5:
      if (operation === 0 || operation === 8 || operation === 9 || operation === 14) return (opcode & 8) === 0;
      return operation < 14;
    default:
      if (operation === 0) return (opcode & 8) === 0;
      return operation !== 8 && operation !== 9 && operation < 14;
  }
}

/** Checks every opcode and turns references to maps into indices of {@link Analysis.maps}. */
export function resolveReferences(analysis: Analysis): void {
  const { insns } = analysis;
  for (let slot = 0; slot < insns.length; slot++) {
    const opcode = insns.opcode[slot]!;
    const mode = opcode & 0xe0;
    if ((opcode & 7) === BPF_LDX && ((mode !== 0x60 && mode !== 0x80) || insns.imm[slot] !== 0)) {
      analysis.invalid("malformed", "BPF_LDX uses reserved fields");
    }
    if (opcode === OPCODE_LDDW) {
      resolveConstant(analysis, slot);
      slot++;
    } else if (!isKnownOpcode(opcode)) {
      analysis.invalid("malformed", `unknown opcode ${opcode.toString(16).padStart(2, "0")}`);
    }
  }
}

function resolveConstant(analysis: Analysis, slot: number): void {
  const { insns } = analysis;
  const next = slot + 1;
  if (next >= insns.length || (insns.opcode[next]! | insns.dst[next]! | insns.src[next]! | insns.offset[next]!) !== 0) {
    analysis.invalid("malformed", "invalid bpf_ld_imm64 insn");
  }
  const high = insns.imm[next]!;
  const kind = insns.src[slot]!;
  switch (kind) {
    case 0:
    case BPF_PSEUDO_FUNC:
      return;
    case BPF_PSEUDO_BTF_ID:
      checkKernelSymbol(analysis, insns.imm[slot]!);
      return;
    case BPF_PSEUDO_MAP_VALUE:
    case BPF_PSEUDO_MAP_IDX_VALUE:
      break;
    case BPF_PSEUDO_MAP_FD:
    case BPF_PSEUDO_MAP_IDX:
      if (high === 0) break;
      analysis.invalid("malformed", "unrecognized bpf_ld_imm64 insn");
      break;
    default:
      analysis.invalid("malformed", "unrecognized bpf_ld_imm64 insn");
  }
  const byIndex = kind === BPF_PSEUDO_MAP_IDX || kind === BPF_PSEUDO_MAP_IDX_VALUE;
  const descriptor = byIndex ? descriptorAt(analysis, insns.imm[slot]!) : insns.imm[slot]!;
  const index = useMap(analysis, descriptor);
  analysis.mapOfSlot[slot] = index;
  if (kind === BPF_PSEUDO_MAP_VALUE || kind === BPF_PSEUDO_MAP_IDX_VALUE) {
    checkValueOffset(analysis, analysis.maps[index]!, high >>> 0);
  }
}

function descriptorAt(analysis: Analysis, index: number): number {
  const { fdArray } = analysis.input;
  if (fdArray === undefined) analysis.invalid("map", "fd_idx without fd_array is invalid");
  return fdArray[index] ?? -1;
}

function useMap(analysis: Analysis, descriptor: number): number {
  const map = analysis.input.maps.get(descriptor);
  if (map === undefined) analysis.reject("map", EBADF, `fd ${descriptor} is not pointing to valid bpf_map`);
  const known = analysis.maps.indexOf(map);
  if (known >= 0) return known;
  if (analysis.maps.length >= MAX_USED_MAPS) {
    analysis.reject("map", E2BIG, "The total number of maps per program has reached the limit of 64");
  }
  checkMapForProgram(analysis, map);
  analysis.maps.push(map);
  return analysis.maps.length - 1;
}

/** Only maps with a single value in one piece have addresses within it. */
function checkValueOffset(analysis: Analysis, map: VerifierMap, offset: number): void {
  if (map.type !== MAP_TYPE_ARRAY && map.type !== MAP_TYPE_ARENA) {
    analysis.invalid("map", "no direct value access support for this map type");
  }
  const size = map.type === MAP_TYPE_ARENA ? map.maxEntries * 4096 : map.valueSize;
  if (offset >= MAX_VALUE_OFFSET) {
    analysis.invalid("map", `direct value offset of ${offset} is not allowed`);
  }
  if (map.maxEntries !== 1 && map.type === MAP_TYPE_ARRAY) {
    analysis.reject(
      "map",
      EOPNOTSUPP_FOR_ARRAY,
      `invalid access to map value pointer, value_size=${map.valueSize} off=${offset}`,
    );
  }
  if (offset >= size) {
    analysis.invalid("map", `invalid access to map value pointer, value_size=${map.valueSize} off=${offset}`);
  }
}

/** The kernel's internal ENOTSUPP: an array of several values has no single one to point into. */
const EOPNOTSUPP_FOR_ARRAY = 524;
