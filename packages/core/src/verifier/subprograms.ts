import { E2BIG, EPERM, HELPER_TAIL_CALL } from "../abi/index.js";
import { OPCODE_CALL, OPCODE_EXIT } from "../isa/index.js";
import type { Analysis, Subprogram } from "./analysis.js";
import { resolveKernelFunction } from "./kernel-functions.js";
import {
  isFunctionAddress,
  isHelperCall,
  isJumpClass,
  isKfuncCall,
  isLoadAbsolute,
  isProgramCall,
  jumpDistance,
  OPCODE_JA,
  OPCODE_JA32,
} from "./successors.js";

const MAX_SUBPROGRAMS = 256;

/** Finds where the program's functions start: slot 0, and what calls and lddws of function addresses name. */
export function findSubprograms(analysis: Analysis): void {
  const { insns } = analysis;
  const starts = new Set([0]);
  for (let slot = 0; slot < insns.length; slot++) {
    const named = isProgramCall(insns, slot) || isFunctionAddress(insns, slot);
    if (!named && !isKfuncCall(insns, slot)) continue;
    if (!analysis.hasBpf) {
      analysis.reject(
        "permission",
        EPERM,
        "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN",
      );
    }
    if (named) addStart(analysis, starts, slot + insns.imm[slot]! + 1);
    else resolveKernelFunction(analysis, slot);
  }
  const handler = findExceptionHandler(analysis);
  if (handler > 0) addStart(analysis, starts, handler);
  const sorted = [...starts].sort((a, b) => a - b);
  analysis.subprograms = sorted.map((start, i) => createSubprogram(analysis, start, sorted[i + 1] ?? insns.length));
  if (handler > 0) {
    analysis.exceptionCallback = analysis.subprogramAt(handler);
    const subprogram = analysis.subprograms[analysis.exceptionCallback]!;
    // The kernel runs it like a callback that no one waits for.
    subprogram.isExceptionCallback = true;
    subprogram.isCallback = true;
    subprogram.isAsyncCallback = true;
    subprogram.called = true;
  }
  if (analysis.log.steps) {
    analysis.subprograms.forEach((subprogram, i) => {
      analysis.log.write(`func#${i} @${subprogram.start}\n`);
    });
  }
}

const HANDLER_TAG = "exception_callback:";

/** Slot of the function that handles what bpf_throw() throws, by the tag at the main function; 0 without one. */
function findExceptionHandler(analysis: Analysis): number {
  const { btf, functions } = analysis;
  const [main] = functions;
  if (main === undefined || btf === undefined) return 0;
  let name: string | undefined;
  for (let id = btf.firstId; id < btf.length; id++) {
    if (btf.kind(id) !== "decl_tag" || !btf.name(id).startsWith(HANDLER_TAG)) continue;
    const tag = btf.type(id);
    if (tag.kind !== "decl_tag" || tag.type !== main.typeId || tag.component !== -1) continue;
    if (name !== undefined) analysis.invalid("btf", "multiple exception callback tags for main subprog");
    name = tag.name.slice(HANDLER_TAG.length);
  }
  if (name === undefined) return 0;
  const [typeId] = btf.find(name, "func");
  const type = typeId === undefined ? undefined : btf.type(typeId);
  if (type?.kind !== "func") {
    analysis.invalid("btf", `exception callback '${name}' could not be found in BTF`);
  }
  if (type.linkage !== "global") {
    analysis.invalid("btf", `exception callback '${name}' must have global linkage`);
  }
  const record = functions.find((candidate) => candidate.typeId === typeId);
  if (record === undefined) analysis.invalid("btf", "exception callback type id not found in func_info");
  if (record.slot === 0) analysis.invalid("btf", "invalid exception callback insn_off in func_info: 0");
  return record.slot;
}

function addStart(analysis: Analysis, starts: Set<number>, start: number): void {
  if (start < 0 || start >= analysis.insns.length) analysis.invalid("control_flow", "call to invalid destination");
  if (starts.has(start)) return;
  if (starts.size >= MAX_SUBPROGRAMS) analysis.reject("too_complex", E2BIG, "too many subprograms");
  starts.add(start);
}

function createSubprogram(analysis: Analysis, start: number, end: number): Subprogram {
  const record = analysis.functions.find((candidate) => candidate.slot === start);
  const type = record === undefined ? undefined : analysis.btf?.type(record.typeId);
  const func = type?.kind === "func" ? type : undefined;
  return {
    start,
    end,
    postorderStart: 0,
    postorderEnd: 0,
    exitSlot: start,
    stackDepth: 0,
    hasTailCall: false,
    tailCallReachable: false,
    hasLoadAbsolute: false,
    isCallback: false,
    isAsyncCallback: false,
    isExceptionCallback: false,
    changesPacket: false,
    mightSleep: false,
    global: start !== 0 && (record?.linkage ?? func?.linkage) === "global",
    name: func?.name ?? "",
    typeId: record?.typeId ?? 0,
    called: false,
    verified: false,
    fastcallStackOffset: 0,
    losesFastcallSpills: false,
    keepsFastcallStack: false,
  };
}

/** Jumps stay within their function, and no function falls through into the next. */
export function checkSubprogramBounds(analysis: Analysis): void {
  const { insns } = analysis;
  for (const subprogram of analysis.subprograms) {
    for (let slot = subprogram.start; slot < subprogram.end; slot++) {
      const opcode = insns.opcode[slot]!;
      if (isHelperCall(insns, slot) && insns.imm[slot] === HELPER_TAIL_CALL) {
        subprogram.hasTailCall = true;
        subprogram.tailCallReachable = true;
      }
      if (isLoadAbsolute(opcode)) subprogram.hasLoadAbsolute = true;
      if (isJumpClass(opcode) && (opcode & 0xf0) === 0x90) subprogram.exitSlot = slot;
      else if (isJumpClass(opcode) && (opcode & 0xf0) !== (OPCODE_CALL & 0xf0)) {
        const target = slot + jumpDistance(insns, slot) + 1;
        if (target < subprogram.start || target >= subprogram.end) {
          analysis.invalid("control_flow", `jump out of range from insn ${slot} to ${target}`);
        }
      }
    }
    const last = insns.opcode[subprogram.end - 1];
    if (last !== OPCODE_EXIT && last !== OPCODE_JA && last !== OPCODE_JA32) {
      analysis.invalid("control_flow", "last insn is not an exit or jmp");
    }
  }
}

/** Without BTF nothing says what a function may return, so loads that end the program early are for the main one. */
export function checkEarlyReturns(analysis: Analysis): void {
  if (analysis.functions.length > 0) return;
  for (const subprogram of analysis.subprograms.slice(1)) {
    if (subprogram.hasLoadAbsolute) {
      analysis.invalid("call", "LD_ABS is not allowed in subprogs without BTF");
    }
    if (subprogram.hasTailCall) analysis.invalid("call", "tail_call is not allowed in subprogs without BTF");
  }
}
