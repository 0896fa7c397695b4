import { createProgram, NotSupportedError, type ProgramSpec, type ProgramType, programTypeName } from "@tsbpf/core";
import type { Program, TestRunOptions, TestRunResult } from "@tsbpf/core/host";
import { dumpProgram } from "../inspect/program-dump.js";
import {
  ENOTSUPP,
  FileDescriptor,
  inSandboxNamespace,
  type KernelProgramInfo,
  programInfo,
  runProgram,
  syscallError,
} from "../sys/index.js";
import { pinNamed } from "./pinning.js";

/** A program of the running kernel. */
export class LinuxProgram implements Program {
  readonly name: string;
  readonly type: ProgramType;
  readonly id: number;
  readonly spec: ProgramSpec;
  readonly log: string;
  readonly #fd: FileDescriptor;

  /** Takes over `fd`. */
  constructor(fd: number, spec: ProgramSpec, log: string) {
    this.#fd = new FileDescriptor(fd, `program '${spec.name}'`);
    this.name = spec.name;
    this.type = spec.type;
    this.spec = spec;
    this.log = log;
    this.id = programInfo(fd).id;
  }

  /** The program's fd, for calls that are made right now. @throws SyscallError EBADF after close. */
  get fd(): number {
    return this.#fd.number;
  }

  /** What the kernel knows about it, run time statistics included. */
  info(): KernelProgramInfo {
    return programInfo(this.fd);
  }

  testRun(options: TestRunOptions = {}): TestRunResult {
    const fd = this.fd;
    const result = inSandboxNamespace(() => runProgram(fd, options));
    if (typeof result !== "number") return result;
    const hint = result === -ENOTSUPP ? `programs of type ${this.type} have no test run` : undefined;
    throw syscallError(`BPF_PROG_TEST_RUN of program '${this.name}'`, -result, hint === undefined ? {} : { hint });
  }

  /** BPF_OBJ_PIN: the program outlives this process under `path`, which has to be in a bpffs. */
  pin(path: string): void {
    pinNamed(path, this.fd, `program '${this.name}'`);
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A program that somebody else loaded, by an fd that is taken over. @throws NotSupportedError for a type unknown here. */
export function adoptProgram(fd: number): LinuxProgram {
  const owner = new FileDescriptor(fd, "program");
  try {
    const { info, xlated } = dumpProgram(fd);
    const type = programTypeName(info.type);
    if (type === undefined) {
      throw new NotSupportedError(
        `program type ${info.type}`,
        `program ${info.id} is of type ${info.type}, which is not known here`,
      );
    }
    const license = info.gplCompatible ? "GPL" : "";
    return new LinuxProgram(owner.release(), createProgram({ name: info.name, type, insns: xlated, license }), "");
  } finally {
    owner.close();
  }
}
