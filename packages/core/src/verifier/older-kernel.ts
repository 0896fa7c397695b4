import {
  attachTypeChecked,
  attachTypesSince,
  E2BIG,
  EINVAL,
  type FlagSince,
  HELPER_TAIL_CALL,
  hasSince,
  helperPrototypes,
  type KernelVersion,
  kfuncs,
  limitsOfKernel,
  mapFlagsSince,
  mapTypes,
  programFlagsSince,
  programTypes,
} from "../abi/index.js";
import { classifySlot, decodeSlots, OPCODE_CALL, OPCODE_EXIT, OPCODE_LDDW, type Slots } from "../isa/index.js";
import type { VerifierInput, VerifierMap, VerifyOptions } from "./input.js";
import { isHelperCall, isKfuncCall, isProgramCall, successors } from "./successors.js";
import type { RejectionCode, Verdict } from "./verdict.js";
import { verify } from "./verify.js";

/** Why an older kernel would refuse what 6.18 takes. */
interface Refusal {
  readonly code: RejectionCode;
  readonly errno: number;
  readonly message: string;
  readonly insn: number;
}

/**
 * The verdict of an older kernel, as far as it follows from what that kernel has: its program, attach and map types,
 * flags, instructions, helpers and kernel functions, and its limits, applied over 6.18's analysis. Where the older
 * kernel lacks something, `message` says what and since when it is there, in our words; the limits are told in the kernel's.
 *
 * What an older analysis could not follow yet (it pruned less, tracked bounds less closely, knew fewer fields of
 * contexts, gave a helper to fewer program types) is not applied: such a kernel may refuse more than this says.
 */
export function verifyForKernel(input: VerifierInput, kernel: KernelVersion, options: VerifyOptions = {}): Verdict {
  const limits = limitsOfKernel(kernel);
  const insns = decodeSlots(input.insns);
  const before = findMissingTypes(input, kernel) ?? findInstructionProblem(insns, kernel);
  if (before !== undefined) return refuse(undefined, before);
  const functions = limits.globalFunctions
    ? input.functions
    : input.functions?.map((each) => ({ ...each, linkage: "static" as const }));
  const verdict = verify(
    { ...input, functions },
    {
      ...options,
      privateStacks: limits.privateStacks && options.privateStacks !== false,
      fastcallCredit: limits.fastcallCredit && options.fastcallCredit !== false,
    },
  );
  if (verdict.verdict !== "accepted") return verdict;
  const after = findMissingFunction(input, insns, kernel, verdict.facts.visits);
  if (after !== undefined) return refuse(verdict, after);
  if (verdict.processed <= limits.processed) return verdict;
  const message = `BPF program is too large. Processed ${limits.processed + 1} insn`;
  return refuse(verdict, { code: "too_complex", errno: E2BIG, message, insn: -1 });
}

function refuse(verdict: Verdict | undefined, { code, errno, message, insn }: Refusal): Verdict {
  const none = { processed: 0, totalStates: 0, peakStates: 0, maxStatesPerInstruction: 0, stackDepths: [] };
  const figures = verdict ?? { ...none, log: "", microseconds: undefined };
  const { processed, totalStates, peakStates, maxStatesPerInstruction, stackDepths, microseconds } = figures;
  return {
    verdict: "rejected",
    ...{ code, errno, message, insn, line: undefined },
    ...{ processed, totalStates, peakStates, maxStatesPerInstruction, stackDepths, microseconds },
    log: `${figures.log}${message}\n`,
  };
}

function missing(what: string, since: string, insn = -1): Refusal {
  return { code: "kernel_version", errno: EINVAL, message: `${what}: since Linux ${since}`, insn };
}

function findMissingTypes(input: VerifierInput, kernel: KernelVersion): Refusal | undefined {
  const { since } = programTypes.find(({ name }) => name === input.type)!;
  if (!hasSince(kernel, since)) return missing(`program type ${input.type}`, since);
  const attach = input.attachType === undefined ? undefined : attachTypesSince[input.attachType];
  if (attach !== undefined && attachTypeChecked.has(input.type) && !hasSince(kernel, attach)) {
    return missing(`attach type ${input.attachType}`, attach);
  }
  const flag = findFlag(programFlagsSince, input.flags ?? 0, kernel);
  if (flag !== undefined) return missing(flag.name, flag.since);
  for (const map of input.maps.values()) {
    const problem = findMapProblem(map, kernel);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findFlag(table: readonly FlagSince[], flags: number, kernel: KernelVersion): FlagSince | undefined {
  return table.find(({ flag, since }) => (flags & flag) !== 0 && !hasSince(kernel, since));
}

function findMapProblem(map: VerifierMap, kernel: KernelVersion): Refusal | undefined {
  const type = mapTypes.find(({ id }) => id === map.type);
  if (type !== undefined && !hasSince(kernel, type.since)) {
    return missing(`map type ${type.name} of map '${map.name}'`, type.since);
  }
  // Loaders map global data into memory only where the kernel can.
  const optional = map.dataSection !== true ? 0 : mapFlagsSince.find(({ name }) => name === "BPF_F_MMAPABLE")!.flag;
  const flag = findFlag(mapFlagsSince, map.flags & ~optional, kernel);
  if (flag !== undefined) return missing(`${flag.name} of map '${map.name}'`, flag.since);
  return map.inner === undefined ? undefined : findMapProblem(map.inner, kernel);
}

function findInstructionProblem(insns: Slots, kernel: KernelVersion): Refusal | undefined {
  const limits = limitsOfKernel(kernel);
  if (insns.length > limits.slots) {
    const message = `the program has ${insns.length} slots, and ${limits.slots} is what the kernel takes`;
    return { code: "too_complex", errno: E2BIG, message, insn: limits.slots };
  }
  for (let slot = 0; slot < insns.length; slot++) {
    const row = classifySlot(insns, slot);
    if (row?.since !== undefined && !hasSince(kernel, row.since)) {
      return missing(`instruction '${row.mnemonic}'`, row.since, slot);
    }
    if (insns.opcode[slot] === OPCODE_LDDW) slot++;
  }
  return limits.loops ? undefined : findBackEdge(insns);
}

/** An edge back to an instruction that is on the way from the start, if there is one: a loop, or a recursion. */
function findBackEdge(insns: Slots): Refusal | undefined {
  const [DISCOVERED, DONE] = [1, 2];
  const state = new Uint8Array(insns.length);
  const tried = new Uint8Array(insns.length);
  const stack = new Int32Array(insns.length);
  const targets = new Int32Array(3);
  let depth = 1;
  state[0] = DISCOVERED;
  while (depth > 0) {
    const slot = stack[depth - 1]!;
    const index = tried[slot]!++;
    if (index >= edges(insns, slot, targets)) {
      state[slot] = DONE;
      depth--;
      continue;
    }
    const target = targets[index]!;
    // What leaves the program is for the analysis to refuse.
    if (target < 0 || target >= insns.length || state[target] === DONE) continue;
    if (state[target] === DISCOVERED) {
      const message = `back-edge from insn ${slot} to ${target}`;
      return { code: "control_flow", errno: EINVAL, message, insn: slot };
    }
    state[target] = DISCOVERED;
    stack[depth++] = target;
  }
  return undefined;
}

function edges(insns: Slots, slot: number, targets: Int32Array): number {
  if (insns.opcode[slot] === OPCODE_EXIT) return 0;
  // Where a tail call leads when it works is of no interest here.
  const count = successors(insns, slot, targets, slot + 1);
  if (!isProgramCall(insns, slot)) return count;
  targets[count] = slot + insns.imm[slot]! + 1;
  return count + 1;
}

/** A helper or kernel function that the program gets to, and the kernel lacks. */
function findMissingFunction(
  input: VerifierInput,
  insns: Slots,
  kernel: KernelVersion,
  visits: Uint32Array,
): Refusal | undefined {
  const hasFunctions = insns.opcode.some((_, slot) => isProgramCall(insns, slot));
  const mixing = !hasFunctions || limitsOfKernel(kernel).tailCallsWithFunctions;
  for (let slot = 0; slot < insns.length; slot++) {
    if (insns.opcode[slot] !== OPCODE_CALL || visits[slot] === 0) continue;
    const callee = insns.imm[slot]!;
    if (isHelperCall(insns, slot)) {
      const helper = helperPrototypes.find(({ id }) => id === callee);
      if (helper !== undefined && !hasSince(kernel, helper.since)) {
        return missing(`helper bpf_${helper.name}`, helper.since, slot);
      }
      if (callee === HELPER_TAIL_CALL && !mixing) {
        const message = "tail_calls are not allowed in programs with bpf-to-bpf calls";
        return { code: "call", errno: EINVAL, message, insn: slot };
      }
    } else if (isKfuncCall(insns, slot)) {
      const name = input.kernelTypes?.name(callee);
      const kfunc = kfuncs.find((each) => each.name === name);
      if (kfunc !== undefined && !hasSince(kernel, kfunc.since)) {
        return missing(`kernel function ${kfunc.name}`, kfunc.since, slot);
      }
    }
  }
  return undefined;
}
