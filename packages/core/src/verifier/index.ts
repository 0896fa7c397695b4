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
 * Kernel types: attach-target.ts and typed-context.ts (what tracing, LSM and struct_ops programs find in their context),
 * btf-access.ts and struct-walk.ts (loads through typed pointers), kernel-pointers.ts. Kernel functions: kfunc-calls.ts with
 * kernel-functions.ts, kfunc-parameters.ts and kfunc-arguments.ts. Objects with a life of their own: references.ts,
 * dynptrs.ts, iterators.ts, graph-objects.ts (lists and trees), irq-flags.ts, spin-locks.ts, timers.ts, exceptions.ts.
 *
 * For loaders without CAP_PERFMON: offset-masks.ts (what the kernel patches into additions to pointers), pointer-bounds.ts, and paths that exist
 * only in speculation, which jumps.ts puts aside and explore.ts ends at a barrier.
 *
 * spec-input.ts makes an input of an object's program; older-kernel.ts applies another kernel's limits; proof.ts ties a
 * verdict to the code and maps that it is about, for the JIT.
 *
 * What the walk works on: state.ts (frames and states) with history.ts, domain/ (what a register can hold: register.ts is the layout of
 * its record, tnum.ts, bounds.ts, arithmetic.ts and condition.ts its operators, int64.ts the 64-bit arithmetic below).
 * What keeps it finite: pruning.ts (checkpoints) with state-comparison.ts, precision.ts (which values mattered),
 * stack-liveness.ts (which stack slots still matter) with call-chain.ts and predecessors.ts, loop-visits.ts (loops whose
 * paths aren't done), widening.ts.
 *
 * analysis.ts is what all of these share and how they refuse: `reject()` where the kernel does, `notModelled()` where
 * nothing here knows what the kernel does. Facts about helpers, contexts and program types are abi's. The log is written
 * by log.ts, print-instruction.ts, print-state.ts and trace.ts.
 *
 * @packageDocumentation
 */
export type { VerifierFunction, VerifierInput, VerifierLine, VerifierMap, VerifyOptions } from "./input.js";
export { type MapFieldKind, structFieldsOf } from "./map-fields.js";
export { verifyForKernel } from "./older-kernel.js";
export * as pointerTypes from "./pointer-types.js";
export { type ProvenProgram, provenProgram } from "./proof.js";
export { layOutSections } from "./section-layout.js";
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
