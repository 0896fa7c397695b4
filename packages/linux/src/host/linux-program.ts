import { type ProgramType, programTypeName } from "@tsbpf/core/abi";
import { NotSupportedError } from "@tsbpf/core/base";
import type { BpfMap, Program, TestRunOptions, TestRunResult } from "@tsbpf/core/host";
import { createProgram, type ProgramSpec } from "@tsbpf/core/spec";
import { dumpProgram } from "../inspect/program-dump.js";
import {
  bpf,
  ENOTSUPP,
  FileDescriptor,
  fdOf,
  inSandboxNamespace,
  type KernelProgramInfo,
  type ProgramStream,
  programInfo,
  readProgramStream,
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

  /** @param options.batchSize Frames a batch with BPF_F_TEST_XDP_LIVE_FRAMES, which gives no data back. Since 5.18. */
  testRun(options: TestRunOptions & { readonly batchSize?: number | undefined } = {}): TestRunResult {
    const fd = this.fd;
    const result = inSandboxNamespace(() => runProgram(fd, this.type, options));
    if (typeof result !== "number") return result;
    const hint = result === -ENOTSUPP ? `programs of type ${this.type} have no test run` : undefined;
    throw syscallError(`BPF_PROG_TEST_RUN of program '${this.name}'`, -result, hint === undefined ? {} : { hint });
  }

  /**
   * BPF_PROG_BIND_MAP: the map lives as long as the program, although no instruction of it names it. Tools find data
   * about a program that way. Since 5.10.
   */
  bindMap(map: BpfMap): void {
    bpf("BPF_PROG_BIND_MAP", { prog_fd: this.fd, map_fd: fdOf(map) }, `of map '${map.name}' to '${this.name}'`);
  }

  /**
   * Takes what is in one of the program's streams, as text: what it wrote with bpf_stream_printk(), and into `"stderr"`
   * what the kernel has against it. Since 6.17.
   */
  readStream(stream: ProgramStream): string {
    return new TextDecoder().decode(readProgramStream(this.fd, stream, `program '${this.name}'`));
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
