import { type AttachType, mapTypeId, type ProgramType } from "../abi/index.js";
import {
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  decodeSlots,
  OPCODE_CALL,
  OPCODE_EXIT,
  OPCODE_LDDW,
  type Slots,
} from "../isa/index.js";
import { ArrayMap, type LiveMap } from "../maps/index.js";
import type { Executable, Runtime } from "../runtime/index.js";
import {
  type Accepted,
  type ProgramFacts,
  type ProvenProgram,
  provenProgram,
  type VerifierMap,
} from "../verifier/index.js";
import type { ProgramIdentity } from "./symbols.js";

/** A verifier's word for a program, and what has to be so for it to count. */
export interface ExecutionProof {
  readonly verdict: Accepted;
  /** The maps behind the descriptors that the verifier saw. */
  readonly maps: ReadonlyMap<number, LiveMap>;
  /** What the program will run as. */
  readonly type: ProgramType;
  readonly attachType?: AttachType | undefined;
  /** BPF_F_* that it is loaded with. */
  readonly flags?: number | undefined;
}

/** A program, with what was proved of it where something was. */
export interface JitExecutable extends Executable {
  readonly proof?: ExecutionProof | undefined;
  /** Loaded by a user without CAP_BPF, whom {@link JitSettings} treat more strictly. */
  readonly unprivileged?: boolean | undefined;
  /** What its code is called in listings of symbols. */
  readonly identity?: ProgramIdentity | undefined;
}

/**
 * The facts that hold for `executable`, or undefined where its proof is about something else: other instructions, maps of
 * another shape or with other constants, another context, more CPUs, or a verdict that the verifier didn't give. Kernel
 * functions and variables are to the verifier what the kernel's types say, which need not be what the runtime has under
 * their names and has no identity that could be compared: programs with them count as unproved.
 */
export function factsFor(executable: JitExecutable, runtime: Runtime): ProgramFacts | undefined {
  const { proof } = executable;
  const proven = proof === undefined ? undefined : provenProgram(proof.verdict);
  if (proof === undefined || proven === undefined) return undefined;
  const sameUse =
    proof.type === proven.type && proof.attachType === proven.attachType && (proof.flags ?? 0) === proven.flags;
  if (!sameUse || runtime.cpus > proven.cpus) return undefined;
  return new CodeComparison(executable, proof, proven, runtime).matches() ? proven.facts : undefined;
}

/** Compares what the verifier saw with what is to run: the same, but for references, which were filled in. */
class CodeComparison {
  readonly #proof: ExecutionProof;
  readonly #proven: ProvenProgram;
  readonly #runtime: Runtime;
  readonly #seen: Slots;
  readonly #run: Slots;

  constructor(executable: Executable, proof: ExecutionProof, proven: ProvenProgram, runtime: Runtime) {
    this.#proof = proof;
    this.#proven = proven;
    this.#runtime = runtime;
    this.#seen = decodeSlots(proven.insns);
    this.#run = decodeSlots(executable.insns);
  }

  matches(): boolean {
    if (this.#seen.length !== this.#run.length) return false;
    const { visits } = this.#proven.facts;
    for (let slot = 0; slot < this.#seen.length; slot++) {
      const wide = this.#seen.opcode[slot] === OPCODE_LDDW;
      // What no path reaches may have been taken out.
      const dead = visits[slot] === 0 && this.#run.opcode[slot] === OPCODE_EXIT;
      if (!dead && !this.#sameInstruction(slot)) return false;
      if (wide && dead && this.#run.opcode[slot + 1] !== OPCODE_EXIT) return false;
      if (wide) slot++;
    }
    return true;
  }

  #sameInstruction(slot: number): boolean {
    const [a, b] = [this.#seen, this.#run];
    const wide = a.opcode[slot] === OPCODE_LDDW;
    const same = a.opcode[slot] === b.opcode[slot] && a.dst[slot] === b.dst[slot] && a.offset[slot] === b.offset[slot];
    if (!same || a.src[slot] !== b.src[slot]) return false;
    if (a.opcode[slot] === OPCODE_CALL && a.src[slot] === BPF_PSEUDO_KFUNC_CALL) return false;
    if (!wide) return a.imm[slot] === b.imm[slot];
    switch (a.src[slot]) {
      case 0:
      case BPF_PSEUDO_FUNC:
        return a.imm[slot] === b.imm[slot] && a.imm[slot + 1] === b.imm[slot + 1];
      case BPF_PSEUDO_MAP_FD:
        return this.#sameMap(slot, (map) => map.address);
      case BPF_PSEUDO_MAP_VALUE:
        return this.#sameMap(slot, (map) => (map instanceof ArrayMap ? map.storage + a.imm[slot + 1]! : -1));
      default:
        return false;
    }
  }

  /** Whether the reference is to the map that the verifier knows by its descriptor, and that is as the verifier knows it. */
  #sameMap(slot: number, addressIn: (map: LiveMap) => number): boolean {
    const descriptor = this.#seen.imm[slot]!;
    const live = this.#proof.maps.get(descriptor);
    const seen = this.#proven.maps.get(descriptor);
    if (live === undefined || seen === undefined || live.closed || live.memory !== this.#runtime.memory) return false;
    const address = (this.#run.imm[slot]! >>> 0) + this.#run.imm[slot + 1]! * 2 ** 32;
    return address === addressIn(live) && sameShape(live, seen) && sameConstants(live, seen);
  }
}

function sameShape(live: LiveMap, seen: VerifierMap): boolean {
  return (
    mapTypeId(live.type) === seen.type &&
    live.keySize === seen.keySize &&
    live.valueSize === seen.valueSize &&
    live.maxEntries === seen.maxEntries &&
    live.flags === seen.flags
  );
}

/** Loads from frozen maps were taken for the constants that they give. */
function sameConstants(live: LiveMap, seen: VerifierMap): boolean {
  if (seen.frozen !== true) return true;
  if (!live.frozen) return false;
  if (seen.contents === undefined) return true;
  if (!(live instanceof ArrayMap)) return false;
  const { storage, memory } = live;
  return seen.contents.every((byte, at) => memory.u8[storage + at] === byte);
}
