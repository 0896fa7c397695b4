/**
 * The verifier: the kernel's verdict on a program, with the kernel's words, and without the kernel.
 *
 * `verify()` (verify.ts) takes a program as bpf(2) would get it (input.ts) and answers accepted, rejected or not reached
 * (verdict.ts). Its passes, in order:
 *
 * - subprograms.ts, resolve.ts, control-flow.ts: functions, opcodes and map references, reachability; where the walk has
 *   to compare states. loops.ts, live-registers.ts, fastcall.ts: what later passes ask about every instruction.
 * - explore.ts: the walk over all paths, one instruction at a time, depth first. A transfer function for each class:
 *   alu.ts and pointer-arithmetic.ts, memory.ts (with stack-access.ts, map-values.ts, context-access.ts, ...),
 *   atomics.ts, jumps.ts, constants.ts, helper-calls.ts (with helper-arguments.ts, helper-memory.ts, ...),
 *   program-calls.ts, exit.ts.
 * - stack-depth.ts: the combined stack of call chains.
 *
 * What the walk works on: state.ts (frames and states), domain/ (what a register can hold: register.ts is the layout of
 * its record, tnum.ts, bounds.ts, arithmetic.ts and condition.ts its operators, int64.ts the 64-bit arithmetic below).
 * What keeps it finite: pruning.ts (checkpoints) with state-comparison.ts, precision.ts (which values mattered),
 * stack-liveness.ts (which stack slots still matter), loop-visits.ts (loops whose paths aren't done), widening.ts.
 *
 * analysis.ts is what all of these share and how they refuse: `reject()` where the kernel does, `notModelled()` where
 * nothing here knows what the kernel does. Facts about helpers, contexts and program types are abi's. The log is written
 * by log.ts, print-instruction.ts, print-state.ts and trace.ts.
 *
 * @packageDocumentation
 */
export type { VerifierFunction, VerifierInput, VerifierLine, VerifierMap, VerifyOptions } from "./input.js";
export { verifyForKernel } from "./older-kernel.js";
export * as pointerTypes from "./pointer-types.js";
export { type ProvenProgram, provenProgram } from "./proof.js";
export { verifierInput } from "./spec-input.js";
export type {
  Accepted,
  NotReached,
  ProgramFacts,
  Rejected,
  RejectionCode,
  Verdict,
  VerifierFigures,
} from "./verdict.js";
export { verify } from "./verify.js";
