import type { AttachType, ProgramType } from "../abi/index.js";
import { EBADF } from "../abi/index.js";
import type { Program, TestRunOptions, TestRunResult } from "../host/index.js";
import type { ProgramImage, RunContext, RunStatus, Runtime } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";
import type { Descriptors } from "./descriptors.js";
import { failure } from "./failure.js";

/** What a program needs of its Machine. */
export interface ProgramOwner {
  readonly descriptors: Descriptors;
  testRun(program: MachineProgram, options: TestRunOptions): TestRunResult;
  /** The program's last reference is gone. */
  released(program: MachineProgram): void;
}

/** A program that a Machine has loaded. It stays while a handle, a prog array's slot or a link refers to it. */
export class MachineProgram implements Program {
  readonly id: number;
  readonly spec: ProgramSpec;
  readonly log: string;
  readonly fd: number;
  /** @internal */
  readonly image: ProgramImage;
  readonly #owner: ProgramOwner;
  #references = 1;
  #open = true;

  /** @internal */
  constructor(owner: ProgramOwner, parts: { id: number; spec: ProgramSpec; log: string; image: ProgramImage }) {
    this.#owner = owner;
    this.id = parts.id;
    this.spec = parts.spec;
    this.log = parts.log;
    this.image = parts.image;
    this.fd = owner.descriptors.open(this);
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
  execute(runtime: Runtime, context: RunContext): RunStatus {
    return runtime.execute(this.image, context);
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
    this.#references++;
  }

  /** @internal */
  unreference(): void {
    if (--this.#references === 0) this.#owner.released(this);
  }
}
