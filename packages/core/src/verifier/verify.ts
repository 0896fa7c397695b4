import {
  canLoadFor,
  capabilities,
  capabilitiesToLoad,
  E2BIG,
  EINVAL,
  EPERM,
  type HelperGrant,
  type HelperPrototype,
  hasCapability,
  helperPrototypes,
  rulesOfProgramType,
  UNPRIVILEGED_SLOTS,
} from "../abi/index.js";
import { FormatError } from "../base/index.js";
import { decodeSlots } from "../isa/index.js";
import { Analysis, type AvailableHelper, NotModelled, Rejection } from "./analysis.js";
import { findAttachTarget } from "./attach-target.js";
import { checkBuiltTypes, missingFeatures } from "./built-without.js";
import { computePostorder, GraphWalk } from "./control-flow.js";
import { checkDeadFunctions } from "./dead-functions.js";
import { registerAt } from "./domain/register.js";
import { explore } from "./explore.js";
import { creditFastcallStack, markFastcallPatterns } from "./fastcall.js";
import { enterMainFrame } from "./frames.js";
import { parametersOf } from "./function-parameters.js";
import { checkFunctionLayout, checkFunctionRecords } from "./function-records.js";
import { setParameters } from "./global-functions.js";
import {
  ANY_ALIGNMENT,
  SLEEPABLE,
  STRICT_ALIGNMENT,
  TEST_STATE_FREQUENCY,
  type VerifierInput,
  type VerifyOptions,
} from "./input.js";
import { computeLiveRegisters } from "./live-registers.js";
import { LOG_FIGURES, VerifierLog } from "./log.js";
import { findLoops } from "./loops.js";
import { CTX } from "./pointer-types.js";
import { recordProof } from "./proof.js";
import { setPointer } from "./registers.js";
import { resolveReferences } from "./resolve.js";
import { lineOf } from "./source-lines.js";
import { checkStackDepth } from "./stack-depth.js";
import { State } from "./state.js";
import { checkEarlyReturns, checkSubprogramBounds, findSubprograms } from "./subprograms.js";
import { isHelperCall, isKfuncCall } from "./successors.js";
import type { Accepted, Verdict } from "./verdict.js";
import { Walk } from "./walk.js";

const MAX_SLOTS = 1_000_000;
const LOG_LIMIT = 1 << 24;

/**
 * The kernel's verdict on a program: would Linux 6.18 on x86-64, with its JIT, load it? Whatever the bytes are, the
 * answer is a value; nothing is thrown but for a length that is no multiple of 8.
 *
 * @throws FormatError when `input.insns` is not a whole number of slots.
 */
export function verify(input: VerifierInput, options: VerifyOptions = {}): Verdict {
  const start = options.now?.();
  const analysis = prepare(input, options);
  try {
    analyze(analysis);
    return answer(analysis, start, undefined);
  } catch (error) {
    if (error instanceof Rejection || error instanceof NotModelled) return answer(analysis, start, error);
    if (error instanceof FormatError) return answer(analysis, start, new NotModelled(`BTF: ${error.message}`));
    throw error;
  }
}

function prepare(input: VerifierInput, options: VerifyOptions): Analysis {
  const rules = rulesOfProgramType(input.type);
  const log = new VerifierLog(options.logLevel ?? 0, options.logLimit ?? LOG_LIMIT);
  const flags = input.flags ?? 0;
  const analysis = new Analysis(input, options, decodeSlots(input.insns), rules, log, {
    strictAlignment: (flags & STRICT_ALIGNMENT) !== 0 && (flags & ANY_ALIGNMENT) === 0,
    testStateFrequency:
      (flags & TEST_STATE_FREQUENCY) !== 0 && hasCapability(options.capabilities ?? capabilities, "bpf"),
    sleepable: (flags & SLEEPABLE) !== 0,
  });
  analysis.helpers = availableHelpers(analysis);
  return analysis;
}

/** What the program attaches to, e.g. `"bpf_iter_tcp"`, or the interface and member that it implements. */
function targetName({ input }: Analysis): string {
  const { attachBtfId, kernelTypes, structOpsMember } = input;
  if (!attachBtfId || kernelTypes === undefined || attachBtfId >= kernelTypes.length) return "";
  const name = kernelTypes.name(attachBtfId);
  if (structOpsMember === undefined) return name;
  const struct = kernelTypes.type(attachBtfId);
  const member = struct.kind === "struct" ? struct.members[structOpsMember]?.name : undefined;
  return `${name}.${member ?? ""}`;
}

/** Members in which the socket is on its way out: its options can't be changed any more. */
const withoutOptions = "tcp_congestion_ops.release";

function isGrantedTo({ attachTo, helper }: HelperGrant, target: string): boolean {
  const isOption = helper === "setsockopt" || helper === "getsockopt";
  if (isOption && target === withoutOptions) return false;
  return attachTo === undefined || attachTo.includes(target.split(".", 1)[0] ?? "");
}

/** The helpers that the program may call, by number. */
function availableHelpers(analysis: Analysis): Map<number, AvailableHelper> {
  const prototypes = new Map<string, HelperPrototype>();
  for (const prototype of helperPrototypes) {
    prototypes.set(prototype.name + (prototype.variant === undefined ? "" : `/${prototype.variant}`), prototype);
  }
  const helpers = new Map<number, AvailableHelper>();
  const missing = missingFeatures(analysis);
  const attach = analysis.attachType;
  for (const grant of analysis.rules.helpers) {
    if (grant.attachTypes !== undefined && (attach === undefined || !grant.attachTypes.includes(attach))) continue;
    if (grant.notAttachTypes !== undefined && attach !== undefined && grant.notAttachTypes.includes(attach)) continue;
    if (grant.capability !== undefined && !analysis.hasBpf) continue;
    if (grant.capability === "perfmon" && !analysis.hasPerfmon) continue;
    if (!isGrantedTo(grant, targetName(analysis))) continue;
    const variant = analysis.sleepable && grant.sleepableVariant !== undefined ? grant.sleepableVariant : grant.variant;
    if (missing?.helper(grant.helper, variant) !== undefined) continue;
    const prototype = prototypes.get(grant.helper + (variant === undefined ? "" : `/${variant}`));
    if (prototype !== undefined) helpers.set(prototype.id, { prototype, grant });
  }
  return helpers;
}

function analyze(analysis: Analysis): void {
  if (analysis.insns.length === 0) throw new Rejection("malformed", EINVAL, "");
  if (analysis.insns.length > (analysis.hasBpf ? MAX_SLOTS : UNPRIVILEGED_SLOTS)) {
    throw new Rejection("too_complex", E2BIG, "");
  }
  const held = analysis.options.capabilities ?? capabilities;
  if (!capabilitiesToLoad(analysis.type).every((needed) => hasCapability(held, needed))) {
    throw new Rejection("permission", EPERM, "");
  }
  checkBuiltTypes(analysis);
  if (!canLoadFor(analysis.type, analysis.attachType)) throw new Rejection("attach", EINVAL, "");
  checkFunctionRecords(analysis);
  findSubprograms(analysis);
  checkSubprogramBounds(analysis);
  checkEarlyReturns(analysis);
  checkFunctionLayout(analysis);
  resolveReferences(analysis);
  new GraphWalk(analysis).run();
  computePostorder(analysis);
  checkAttachment(analysis);
  findLoops(analysis);
  computeLiveRegisters(analysis, (slot) => argumentMask(analysis, slot));
  if (analysis.log.steps) logLiveRegisters(analysis);
  markFastcallPatterns(analysis);
  const walk = new Walk(analysis);
  walkMain(walk);
  walkGlobals(walk);
  creditFastcallStack(analysis);
  checkStackDepth(analysis);
  checkDeadFunctions(analysis);
  checkRewrittenCalls(analysis);
}

/**
 * Calls of functions that the kernel lacks are fine where nothing comes to them. The index of a tail call is masked with
 * the size of its map where CPUs must not guess, so that there can be one map only.
 */
function checkRewrittenCalls(analysis: Analysis): void {
  const { insns, visits, speculates, tailCallMaps } = analysis;
  for (let slot = 0; slot < insns.length; slot++) {
    if (visits[slot] === 0) continue;
    if (isKfuncCall(insns, slot) && insns.imm[slot] === 0) {
      analysis.invalid("kfunc", "invalid kernel function call not eliminated in verifier pass");
    }
    if (speculates && tailCallMaps.get(slot) === "several") analysis.invalid("call", "tail_call abusing map_ptr");
  }
}

const sleepableTracing: ReadonlySet<string> = new Set(["trace_fentry", "trace_fexit", "modify_return", "trace_iter"]);

function checkAttachment(analysis: Analysis): void {
  if (analysis.type === "syscall") {
    if (!analysis.sleepable) analysis.invalid("attach", "Syscall programs can only be sleepable");
    return;
  }
  if (analysis.sleepable) requireSleepableType(analysis);
  analysis.target = findAttachTarget(analysis);
}

function requireSleepableType(analysis: Analysis): void {
  const { attachType, rules, type } = analysis;
  const tracing = type !== "tracing" || (attachType !== undefined && sleepableTracing.has(attachType));
  if (rules.sleepable && tracing) return;
  analysis.invalid("attach", "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable");
}

function argumentMask(analysis: Analysis, slot: number): number | undefined {
  const kfunc = isKfuncCall(analysis.insns, slot) ? analysis.kfuncAt(slot) : undefined;
  if (kfunc !== undefined) return ((1 << kfunc.params.length) - 1) << 1;
  if (!isHelperCall(analysis.insns, slot)) return undefined;
  const helper = analysis.helpers.get(analysis.insns.imm[slot]!);
  return helper === undefined ? undefined : ((1 << helper.prototype.args.length) - 1) << 1;
}

function logLiveRegisters(analysis: Analysis): void {
  const { insns, liveRegisters, log, loopOf } = analysis;
  log.write("Live regs before insn:\n");
  for (let slot = 0; slot < insns.length; slot++) {
    let text = loopOf[slot] === 0 ? "    " : `${String(loopOf[slot]).padStart(3)} `;
    text += `${String(slot).padStart(3)}: `;
    for (let register = 0; register < 10; register++) {
      text += ((liveRegisters[slot]! >>> register) & 1) === 1 ? register : ".";
    }
    log.write(`${text} ${analysis.instructionText(slot)}\n`);
    if (insns.opcode[slot] === 0x18) slot++;
  }
}

function walkFunction(walk: Walk, index: number): void {
  const { analysis } = walk;
  analysis.loggedLine = -1;
  const subprogram = analysis.subprograms[index]!;
  const state = new State([enterMainFrame(analysis, index)]);
  state.sleepable = analysis.sleepable;
  state.firstSlot = subprogram.start;
  analysis.state = state;
  analysis.slot = subprogram.start;
  if (index === 0) setPointer(state.frame.records, registerAt(1), CTX);
  else {
    if (analysis.log.walk) analysis.log.write(`Validating ${subprogram.name}() func#${index}...\n`);
    setParameters(walk, index);
    // Walks of the callers went past the call.
    analysis.longest = Number.POSITIVE_INFINITY;
    if (subprogram.isExceptionCallback) enterExceptionHandler(walk, index);
  }
  analysis.touchEverything();
  explore(walk);
  if (!analysis.log.steps) analysis.log.cut(0);
  walk.checkpoints.clear();
  walk.loops.clear();
}

function enterExceptionHandler(walk: Walk, index: number): void {
  const analysis: Analysis = walk.analysis;
  const parameters = parametersOf(analysis, analysis.subprograms[index]!);
  if (parameters.length !== 1 || parameters[0]!.kind !== "scalar") {
    analysis.invalid("btf", "exception cb only supports single integer argument");
  }
  analysis.frame.inExceptionCallback = true;
}

function walkMain(walk: Walk): void {
  walkFunction(walk, 0);
}

/** Global functions that the program calls are verified by themselves, until no new ones are called. */
function walkGlobals(walk: Walk): void {
  const { analysis } = walk;
  for (let more = true; more; ) {
    more = false;
    analysis.subprograms.forEach((subprogram, index) => {
      if (!subprogram.global || !subprogram.called || subprogram.verified) return;
      walkFunction(walk, index);
      if (analysis.log.walk) {
        analysis.log.write(`Func#${index} ('${subprogram.name}') is safe for any args that match its prototype\n`);
      }
      subprogram.verified = true;
      more = true;
    });
  }
}

function answer(analysis: Analysis, start: number | undefined, error: Rejection | NotModelled | undefined): Verdict {
  const { input, log, options } = analysis;
  const end = options.now?.();
  const microseconds = start === undefined || end === undefined ? undefined : Math.round((end - start) * 1000);
  const stackDepths = analysis.subprograms.map((subprogram) => subprogram.stackDepth);
  if ((log.level & LOG_FIGURES) !== 0) {
    log.write(`verification time ${microseconds ?? 0} usec\nstack depth ${stackDepths.join("+")}\n`);
  }
  log.write(
    `processed ${analysis.processed} insns (limit 1000000) max_states_per_insn ${analysis.maxStatesPerInstruction} ` +
      `total_states ${analysis.totalStates} peak_states ${analysis.peakStates} mark_read 0\n`,
  );
  const figures = {
    processed: analysis.processed,
    totalStates: analysis.totalStates,
    peakStates: analysis.peakStates,
    maxStatesPerInstruction: analysis.maxStatesPerInstruction,
    stackDepths,
    log: log.text(),
    microseconds,
  };
  const insn = analysis.slot;
  if (error instanceof NotModelled) return { ...figures, verdict: "not_reached", message: error.what, insn };
  if (error !== undefined) {
    const line = input.lines === undefined ? -1 : lineOf(analysis, insn);
    return {
      ...figures,
      verdict: "rejected",
      code: error.code,
      errno: error.errno,
      message: error.message,
      insn,
      line: line < 0 ? undefined : line,
    };
  }
  const accepted: Accepted = {
    ...figures,
    verdict: "accepted",
    facts: {
      visits: analysis.visits,
      pointerTypes: analysis.pointerTypes,
      branches: analysis.branches,
      contextSize: analysis.contextSize,
      longestRun: analysis.longest,
      functions: analysis.subprograms.map((subprogram) => subprogram.start),
    },
  };
  return recordProof(accepted, input, options);
}
