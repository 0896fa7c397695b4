import {
  area,
  FRAME_SIZE,
  frame,
  RUN_STOPPED,
  type Run,
  type RunContext,
  type RunResult,
  type RunStatus,
  type Runtime,
} from "../runtime/index.js";
import type { InterpreterLoop } from "./loop.js";
import { operationNumber } from "./operations.js";
import { InterpretedProgram } from "./program.js";
import { RECORD_SIZE, record } from "./record.js";

/** Where a function of a stopped run stands. */
export interface DebugFrame {
  readonly program: string;
  /** In the innermost frame the instruction to be executed next, in the others the call that they wait for. */
  readonly slot: number;
}

/**
 * A run that can be stepped, stopped at breakpoints and changed. While it is open it is the runtime's run in progress:
 * close sessions in the reverse order of opening them.
 *
 * Callbacks that a helper makes run within the step of the call, without stopping.
 */
export class DebugSession {
  readonly #runtime: Runtime;
  readonly #loops: { readonly plain: InterpreterLoop; readonly stepping: InterpreterLoop };
  readonly #run: Run;
  /** Operation that a breakpoint stands in for, by the address of its record. */
  readonly #breakpoints = new Map<number, number>();
  #status: RunStatus = RUN_STOPPED;
  #closed = false;

  constructor(
    runtime: Runtime,
    loops: { plain: InterpreterLoop; stepping: InterpreterLoop },
    image: InterpretedProgram,
    context?: RunContext,
  ) {
    this.#runtime = runtime;
    this.#loops = loops;
    this.#run = runtime.begin(image, context);
    // The stepper stops before the first instruction when it may not execute any.
    this.#status = this.#guard(() => loops.stepping.execute(this.#run.area, this.#run.context.address));
  }

  /** `stopped` until the run ends. */
  get status(): RunStatus {
    return this.#status;
  }

  get stopped(): boolean {
    return this.#status === RUN_STOPPED;
  }

  /** Name of the program that the next instruction belongs to; tail calls change it. */
  get program(): string {
    return this.#image.name;
  }

  /** Slot of the instruction to be executed next, or the last one. */
  get slot(): number {
    return this.#image.slotAt(this.#word(area.position));
  }

  /** Nesting of bpf-to-bpf calls. */
  get depth(): number {
    return this.#word(area.depth);
  }

  /** Slots executed so far. */
  get executed(): number {
    return this.#runtime.executed(this.#run);
  }

  /** Unsigned. */
  register(index: number): bigint {
    return this.#runtime.memory.view.getBigUint64(this.#registerAddress(index), true);
  }

  /** Takes any 64-bit value, signed or not. */
  setRegister(index: number, value: bigint): void {
    this.#runtime.memory.view.setBigUint64(this.#registerAddress(index), BigInt.asUintN(64, value), true);
  }

  /** Frames, the innermost first. */
  frames(): DebugFrame[] {
    const frames: DebugFrame[] = [{ program: this.program, slot: this.slot }];
    for (let depth = this.depth; depth > 0; depth--) {
      const at = area.frames + depth * FRAME_SIZE;
      const image = this.#runtime.image(this.#word(at + frame.program))!;
      frames.push({ program: image.name, slot: image.slotAt(this.#word(at + frame.returnTo)) });
    }
    return frames;
  }

  /** Executes up to `count` instructions (a lddw is one), ignoring breakpoints; true if the run can go on. */
  step(count = 1): boolean {
    if (!this.stopped) return false;
    this.#status = this.#guard(() => this.#resume(this.#loops.stepping, count));
    return this.stopped;
  }

  /** Executes one instruction, and with a call everything up to its return; true if the run can go on. */
  stepOver(): boolean {
    const { depth } = this;
    do this.step();
    while (this.stopped && this.depth > depth);
    return this.stopped;
  }

  /** Runs up to the next breakpoint, of which the one it stands at is none; true if it stopped at one. */
  continue(): boolean {
    if (!this.step()) return false;
    if (this.#breakpoints.has(this.#word(area.position))) return true;
    this.#patch(true);
    try {
      this.#status = this.#guard(() => this.#resume(this.#loops.plain, 0));
    } finally {
      this.#patch(false);
    }
    return this.stopped;
  }

  /** @throws RangeError for a slot that is none of the program's, or the second one of a lddw. */
  setBreakpoint(slot: number, image: InterpretedProgram = this.#image): void {
    const at = image.positionOf(slot);
    this.#breakpoints.set(at, this.#runtime.memory.u8[at + record.operation]!);
  }

  clearBreakpoint(slot: number, image: InterpretedProgram = this.#image): void {
    this.#breakpoints.delete(image.positionOf(slot));
  }

  /** How the run ended; undefined while it can go on. */
  result(): RunResult | undefined {
    return this.stopped ? undefined : this.#runtime.result(this.#status, this.#run);
  }

  /** Ends the run where it stands. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#runtime.end(this.#run);
  }

  get #image(): InterpretedProgram {
    const image = this.#runtime.image(this.#word(area.program));
    if (!(image instanceof InterpretedProgram)) throw new RangeError("the running program is not interpreted");
    return image;
  }

  #word(offset: number): number {
    return this.#runtime.memory.i32[(this.#run.area + offset) >> 2]!;
  }

  #registerAddress(index: number): number {
    if (!(index >= 0 && index <= 10)) throw new RangeError(`no register r${index}`);
    return this.#run.area + area.registers + index * 8;
  }

  #resume(loop: InterpreterLoop, steps: number): number {
    return loop.resume(this.#run.area, this.#word(area.position) - RECORD_SIZE, steps);
  }

  #guard(go: () => number): RunStatus {
    if (this.#closed) throw new RangeError("the session is closed");
    return this.#runtime.guard(this.#run, () => go() as RunStatus);
  }

  #patch(set: boolean): void {
    const { u8 } = this.#runtime.memory;
    const breakpoint = operationNumber("breakpoint");
    for (const [at, operation] of this.#breakpoints) u8[at + record.operation] = set ? breakpoint : operation;
  }
}
