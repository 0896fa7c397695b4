import type { AttachType, ProgramType } from "../abi/index.js";
import type { VerifierInput, VerifierMap, VerifyOptions } from "./input.js";
import type { Accepted, ProgramFacts } from "./verdict.js";

/** What an accepted verdict holds for: exactly this program, with these maps, run as this type. */
export interface ProvenProgram {
  /** A copy of the input's instructions. */
  readonly insns: Uint8Array;
  readonly type: ProgramType;
  readonly attachType: AttachType | undefined;
  readonly flags: number;
  readonly maps: ReadonlyMap<number, VerifierMap>;
  /** CPUs of the machine that it may run on at most. */
  readonly cpus: number;
  readonly facts: ProgramFacts;
}

const proofs = new WeakMap<Accepted, ProvenProgram>();

/** @internal */
export function recordProof(verdict: Accepted, input: VerifierInput, options: VerifyOptions): Accepted {
  proofs.set(verdict, {
    insns: input.insns.slice(),
    type: input.type,
    attachType: input.attachType,
    flags: input.flags ?? 0,
    maps: new Map(input.maps),
    cpus: options.cpus ?? 2,
    facts: verdict.facts,
  });
  return verdict;
}

/** What `verdict` was given for; undefined for an object that `verify()` didn't make. */
export function provenProgram(verdict: Accepted): ProvenProgram | undefined {
  return proofs.get(verdict);
}
