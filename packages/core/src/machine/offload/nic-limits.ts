import { EINVAL, EOPNOTSUPP, errnoName, helperPrototypes, type MapType } from "../../abi/index.js";
import { SyscallError } from "../../base/index.js";
import { lineAt, VerifierError } from "../../host/index.js";
import { decodeSlots, OPCODE_LDDW } from "../../isa/index.js";
import type { MapSpec, ProgramSpec } from "../../spec/index.js";

/** What the simulated card takes: figures of the size that such cards have, and of no particular one. */
export const nicLimits = {
  /** Slots of a program. */
  slots: 4096,
  /** Bytes of a key and a value together. */
  element: 64,
  /** Bytes of all elements of a map. */
  map: 4 << 20,
  /** Bytes of the card's memory. */
  memory: 64 << 20,
} as const;

const OPCODE_CALL = 0x85;
const mapTypes: ReadonlySet<MapType> = new Set(["array", "hash", "perf_event_array"]);
const helpers: ReadonlySet<string> = new Set([
  ...["map_lookup_elem", "map_update_elem", "map_delete_elem", "get_prandom_u32", "perf_event_output"],
  ...["xdp_adjust_head", "xdp_adjust_tail"],
]);
const helperNames = new Map(helperPrototypes.map(({ id, name }) => [id, name]));

/** @throws VerifierError for a program that the card's driver would refuse, before or after the kernel's own verifier. */
export function checkOffloadedProgram(nic: string, spec: ProgramSpec): void {
  const refuse = (reason: string, slot: number, errno: number = EOPNOTSUPP): never => {
    const said = `[simulated nic ${nic}] ${reason}`;
    throw new VerifierError({
      ...{ command: "BPF_PROG_LOAD", errno, errnoName: errnoName(errno), log: `${said}\n` },
      ...{ program: spec.name, reason: said, slot, line: lineAt(spec, slot) },
    });
  };
  if (spec.type !== "xdp" && spec.type !== "sched_cls")
    refuse(`programs of type ${spec.type} are not offloaded`, 0, EINVAL);
  const slots = decodeSlots(spec.insns);
  if (slots.length > nicLimits.slots) refuse(`${slots.length} instructions, of ${nicLimits.slots} at most`, 0);
  for (let slot = 0; slot < slots.length; slot++) {
    const opcode = slots.opcode[slot]!;
    if (opcode === OPCODE_LDDW) slot++;
    if (opcode !== OPCODE_CALL) continue;
    if (slots.src[slot] === 2) refuse("kernel functions are the host's", slot);
    const name = helperNames.get(slots.imm[slot]!);
    if (slots.src[slot] === 0 && (name === undefined || !helpers.has(name)))
      refuse(`the card has no ${name === undefined ? `helper ${slots.imm[slot]}` : `bpf_${name}()`}`, slot);
  }
}

/** @throws SyscallError EOPNOTSUPP for a map that the card has no place for. */
export function checkOffloadedMap(nic: string, { name, type, keySize, valueSize, maxEntries }: MapSpec): void {
  const refuse = (reason: string): never => {
    const failure = { command: "BPF_MAP_CREATE", errno: EOPNOTSUPP, errnoName: errnoName(EOPNOTSUPP) };
    throw new SyscallError(`map '${name}': EOPNOTSUPP ([simulated nic ${nic}] ${reason})`, failure);
  };
  if (!mapTypes.has(type)) refuse(`maps of type ${type} are not offloaded`);
  if (type === "perf_event_array") return;
  const element = keySize + valueSize;
  if (element > nicLimits.element) refuse(`an element of ${element} bytes, of ${nicLimits.element} at most`);
  if (element * maxEntries > nicLimits.map) refuse(`${element * maxEntries} bytes, of ${nicLimits.map} at most`);
}
