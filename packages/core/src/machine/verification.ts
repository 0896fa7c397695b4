import { type Capability, errnoName } from "../abi/index.js";
import type { Btf } from "../btf/index.js";
import { lineAt, VerifierError } from "../host/index.js";
import type { ExecutionProof } from "../jit/index.js";
import { createObject, type MapSpec, type ProgramSpec } from "../spec/index.js";
import { type Rejected, type VerifierInput, verifierInput, verify } from "../verifier/index.js";
import { guardedSlots } from "./guarded-slots.js";
import type { MachineMap } from "./machine-map.js";

/** What a program is judged with. */
export interface VerificationContext {
  /** The maps that it refers to, by the names of its references. */
  readonly maps: ReadonlyMap<string, MachineMap>;
  /** Types of the object that it is from. */
  readonly btf: Btf | undefined;
  /** The kernel's types, for kernel functions and typed pointers. */
  readonly kernelTypes: Btf | undefined;
  /** As bpf(2)'s `log_level`. */
  readonly logLevel: number;
  readonly cpus: number;
  /** Those of the loader. */
  readonly capabilities: readonly Capability[];
}

/** A program that was let through: proved safe, or beyond what the verifier knows, and then to be watched. */
export interface Verification {
  readonly verified: boolean;
  readonly log: string;
  /** Times that the verifier walked over each slot; undefined without a proof. */
  readonly visits: Uint32Array | undefined;
  /** Slots of loads that the kernel guards: through typed pointers that may be null or stale. */
  readonly guarded?: ReadonlySet<number> | undefined;
  /** Bytes of the context that the program accesses; undefined without a proof. */
  readonly contextSize?: number | undefined;
  /** The proof, for an engine that makes use of it. */
  readonly proof?: ExecutionProof | undefined;
}

/** @throws VerifierError for a program that the kernel would refuse, with a log even where none was asked for. */
export function verifyProgram(spec: ProgramSpec, context: VerificationContext): Verification {
  const { logLevel, cpus, capabilities } = context;
  if (context.kernelTypes === undefined && usesKernel(spec)) {
    return { verified: false, log: "not verified: that takes the kernel's types\n", visits: undefined };
  }
  const input = inputOf(spec, context);
  const verdict = verify(input, { logLevel, cpus, capabilities });
  const { log } = verdict;
  if (verdict.verdict === "accepted") {
    const { type, attachType, flags } = spec;
    const maps = new Map([...context.maps.values()].map(({ object }, index) => [index + 1, object.live]));
    const guarded = guardedSlots(verdict.facts);
    const proof = { verdict, maps, type, attachType, flags };
    const { visits, contextSize } = verdict.facts;
    return { verified: true, log, visits, guarded, contextSize, proof };
  }
  if (verdict.verdict === "not_reached") return { verified: false, log, visits: undefined };
  throw rejection(spec, verdict, logLevel > 0 ? log : verify(input, { logLevel: 1, cpus, capabilities }).log);
}

/** Does it call kernel functions, or read kernel variables? */
function usesKernel(spec: ProgramSpec): boolean {
  return spec.references.some(({ kind }) => kind === "kfunc" || kind === "ksym");
}

function inputOf(spec: ProgramSpec, { maps, btf, kernelTypes }: VerificationContext): VerifierInput {
  const specs = new Map([...maps].map(([name, map]) => [name, asCreated(map)]));
  const input = verifierInput({ ...createObject(btf === undefined ? {} : { btf }), maps: specs }, spec, kernelTypes);
  // Maps know their own types: those of a map that was given to the load may be of another object.
  const own = [...maps.values()].map(({ btf: types }) => types);
  const described = [...input.maps].map(([descriptor, map], index) => {
    return [descriptor, map.btf === undefined ? map : { ...map, btf: own[index] }] as const;
  });
  return { ...input, maps: new Map(described) };
}

/** The map's spec with the sizes that it was really created with, and with what it holds now where that can't change. */
function asCreated({ spec, object }: MachineMap): MapSpec {
  const { type, keySize, valueSize, maxEntries, flags, frozen } = object.live;
  const created = { ...spec, keySize, valueSize, maxEntries, flags, freeze: frozen };
  if (!frozen || type !== "array" || maxEntries !== 1) return created;
  const [key, value] = [new Uint8Array(keySize), new Uint8Array(valueSize)];
  // User space may be kept from reading it: then it counts as a map that anyone may write.
  if (object.live.lookup(key, value) !== 0) return { ...created, freeze: false };
  return { ...created, contents: [{ key, value }] };
}

function rejection(spec: ProgramSpec, rejected: Rejected, log: string): VerifierError {
  return new VerifierError({
    command: "BPF_PROG_LOAD",
    errno: rejected.errno,
    errnoName: errnoName(rejected.errno),
    log,
    program: spec.name,
    reason: rejected.message,
    slot: rejected.insn,
    line: lineAt(spec, rejected.insn),
  });
}
