import type { BpfMap, LoadedObject, Program, RawMap } from "@tsbpf/core/host";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { BpfLink } from "../attach/index.js";
import type { Linux } from "./linux.js";
import { LinuxMap } from "./linux-map.js";
import { LinuxProgram } from "./linux-program.js";
import type { LinuxLoadOptions } from "./load-options.js";

/** How programs that name their target are attached to it, by type. */
const ways: Readonly<Record<string, (host: Linux, program: Program) => unknown>> = {
  tracepoint: (host, program) => host.attachTracepoint(program),
  raw_tracepoint: (host, program) => host.attachRawTracepoint(program),
  raw_tracepoint_writable: (host, program) => host.attachRawTracepoint(program),
  kprobe: (host, program) => host.attachKprobe(program),
  lsm: (host, program) => host.attachRawTracepoint(program),
  tracing: (host, program) =>
    program.spec.attachType === "trace_iter" ? host.attachIterator(program) : host.attachRawTracepoint(program),
};

/** A host for the time of one command: what is not pinned goes when it is closed. */
export class KernelLoader {
  readonly #host: Linux;

  constructor(host: Linux) {
    this.#host = host;
  }

  load(spec: ObjectSpec, options: LinuxLoadOptions): Promise<LoadedObject> {
    return this.#host.load(spec, options);
  }

  /** How a program or a map of what was loaded is pinned. */
  pinnable(part: Program | RawMap): { pin(path: string): void } {
    if (part instanceof LinuxProgram || part instanceof LinuxMap) return part;
    throw new TypeError("not of the running kernel");
  }

  /** The link of a program that says itself what it attaches to; undefined for others. @throws SyscallError */
  attachByItself(program: Program): BpfLink | undefined {
    if (!namesTarget(program.spec)) return undefined;
    const link = ways[program.type]?.(this.#host, program);
    return link instanceof BpfLink ? link : undefined;
  }

  /** Makes an iterator of a program; with a map, over the map's elements. @throws SyscallError */
  attachIterator(program: Program, map?: BpfMap): BpfLink {
    return this.#host.attachIterator(program, map === undefined ? {} : { map });
  }

  close(): void {
    this.#host.close();
  }
}

/** uprobes name a file and a function in one, which attaching by name does not cover. */
function namesTarget({ attachTo, section }: ProgramSpec): boolean {
  return attachTo !== undefined && attachTo !== "" && !/^(u(ret)?probe|usdt)/.test(section);
}
