import { attachTypeId } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import type { IteratorOptions as CommonOptions, IterationLink, Program } from "@tsbpf/core/host";
import { bpf, FileDescriptor, fdOf, lastErrno, libc, NativeBuffer, syscallError } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { withDirectory } from "./directory.js";
import { BpfLink, createLinkFd } from "./link.js";

/** What an iterator is limited to (`union bpf_iter_link_info`); what applies depends on the iterator. */
export interface IteratorOptions extends CommonOptions {
  /** For cgroup iterators: the folder, and in which order. */
  readonly cgroup?:
    | { readonly path: string; readonly order: "self" | "descendants_pre" | "descendants_post" | "ancestors_up" }
    | undefined;
}

const INFO_SIZE = 16;
const CHUNK = 1 << 16;
const orders = { self: 1, descendants_pre: 2, descendants_post: 3, ancestors_up: 4 } as const;

/** An iterator program that is ready to run: each {@link read} is a run over everything. */
export class IteratorLink extends BpfLink implements IterationLink {
  /** Runs the iterator: what the program wrote with bpf_seq_write and its like. */
  read(): Uint8Array {
    const fd = bpf("BPF_ITER_CREATE", { link_fd: this.fd }, `of '${this.program.name}'`);
    using run = new FileDescriptor(fd, "iterator");
    const buffer = new NativeBuffer(CHUNK);
    const chunks: Uint8Array[] = [];
    for (;;) {
      const length = libc().read(run.number, buffer.address, buffer.length);
      if (length < 0) throw syscallError(`read of iterator '${this.program.name}'`, lastErrno());
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(buffer.bytes.slice(0, length));
    }
  }

  /** {@link read} as text. */
  readText(): string {
    return new TextDecoder().decode(this.read());
  }
}

/** Iterators that the kernel makes over something in particular only. */
const overMaps: ReadonlySet<string> = new Set(["bpf_map_elem", "sockmap", "bpf_sk_storage_map"]);

/**
 * Makes a BPF iterator of a program. Since 5.8.
 *
 * @throws BpfError `"ATTACH_OPTIONS"` where the iterator is one over a map's elements or over cgroups, and none is given
 */
export function attachIterator(program: Program, options: IteratorOptions = {}): IteratorLink {
  requireType(program, "an iterator", "tracing");
  const walks = program.spec.attachTo ?? "";
  if (overMaps.has(walks) && options.map === undefined) throw missing(program, walks, "a map");
  if (walks === "cgroup" && options.cgroup === undefined) throw missing(program, walks, "a cgroup and an order");
  const { cgroup } = options;
  if (cgroup === undefined) return create(program, options, 0);
  return withDirectory(cgroup.path, (fd) => create(program, options, fd));
}

function missing(program: Program, walks: string, what: string): BpfError {
  const message = `iterator '${program.name}' walks ${walks}: give ${what} to walk`;
  return new BpfError("ATTACH_OPTIONS", message, { program: program.name });
}

function create(program: Program, options: IteratorOptions, cgroupFd: number): IteratorLink {
  const info = new NativeBuffer(INFO_SIZE);
  if (options.map !== undefined) {
    info.view.setUint32(0, fdOf(options.map), true);
  } else if (options.cgroup !== undefined) {
    info.view.setUint32(0, orders[options.cgroup.order], true);
    info.view.setUint32(4, cgroupFd, true);
  } else {
    info.view.setUint32(0, options.tid ?? 0, true);
    info.view.setUint32(4, options.pid ?? 0, true);
  }
  const limited = options.map ?? options.cgroup ?? options.tid ?? options.pid;
  const attr = limited === undefined ? {} : { iter_info: info.address, iter_info_len: INFO_SIZE };
  const fd = createLinkFd("iterator", program, { attach_type: attachTypeId("trace_iter"), ...attr }, "");
  return new IteratorLink("iterator", fd, program);
}
