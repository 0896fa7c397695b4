import type { AttachType, ProgramType } from "../abi/index.js";
import { EBADF } from "../abi/index.js";
import type { Program, TestRunOptions, TestRunResult } from "../host/index.js";
import { CompiledProgram } from "../jit/index.js";
import type { ProgramImage, RunContext, RunStatus, Runtime } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";
import type { Descriptors } from "./descriptors.js";
import { failure } from "./failure.js";
import type { ProgramInfo, ProgramObject } from "./program-object.js";

/** What a program needs of its Machine. */
export interface ProgramOwner {
  readonly descriptors: Descriptors;
  testRun(program: MachineProgram, options: TestRunOptions): TestRunResult;
}

/** A handle to a program of a Machine. */
export class MachineProgram implements Program {
  readonly fd: number;
  /** @internal */
  readonly object: ProgramObject;
  readonly #owner: ProgramOwner;
  #open = true;

  /** @internal */
  constructor(owner: ProgramOwner, object: ProgramObject) {
    this.#owner = owner;
    this.object = object;
    object.reference();
    this.fd = owner.descriptors.open(this);
  }

  get id(): number {
    return this.object.parts.id;
  }

  get spec(): ProgramSpec {
    return this.object.parts.spec;
  }

  get log(): string {
    return this.object.parts.log;
  }

  /** @internal */
  get image(): ProgramImage {
    return this.object.parts.image;
  }

  /** What bpf(2) says about it. @throws SyscallError EBADF after close. */
  info(): ProgramInfo {
    this.assertOpen("BPF_OBJ_GET_INFO_BY_FD");
    return this.object.info();
  }

  /**
   * Its code: how it was made, and its WebAssembly in a Machine whose JIT keeps listings. Undefined of an interpreted
   * program.
   */
  get code(): Pick<CompiledProgram, "listing" | "statistics" | "checked" | "size"> | undefined {
    return this.image instanceof CompiledProgram ? this.image : undefined;
  }

  get name(): string {
    return this.spec.name;
  }

  get type(): ProgramType {
    return this.spec.type;
  }

  /** @internal Where it was made to be attached, of types that say so. */
  get attachType(): AttachType | undefined {
    return this.spec.attachType;
  }

  /** @internal */
  get isCounted(): boolean {
    return this.object.isCounted;
  }

  /** @internal */
  execute(runtime: Runtime, context: RunContext): RunStatus {
    return this.object.execute(runtime, context);
  }

  /** @internal */
  executeRepeatedly(runtime: Runtime, context: RunContext, times: number): RunStatus {
    return this.object.executeRepeatedly(runtime, context, times);
  }

  testRun(options: TestRunOptions = {}): TestRunResult {
    this.assertOpen("BPF_PROG_TEST_RUN");
    return this.#owner.testRun(this, options);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#owner.descriptors.close(this.fd);
    this.unreference();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal @throws SyscallError EBADF after close. */
  assertOpen(command: string): void {
    if (!this.#open) throw failure(command, EBADF, `program '${this.name}' is closed`);
  }

  /** @internal */
  reference(): void {
    this.object.reference();
  }

  /** @internal */
  unreference(): void {
    this.object.unreference();
  }
}
