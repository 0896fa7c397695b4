import { kernelTarget } from "@tsbpf/core/abi";
import { BpfError, NotSupportedError } from "@tsbpf/core/base";
import { parseBtf } from "@tsbpf/core/btf";
import type { Program } from "@tsbpf/core/host";
import type { ProgramSpec } from "@tsbpf/core/spec";
import { addressOf, btfFdById, FileDescriptor, fdOf, objectInfo, programInfo } from "../sys/index.js";
import { BTF_INFO_SIZE } from "../sys/object-info.js";
import type { KernelBtf } from "./kernel-btf.js";

/** What BPF_PROG_LOAD needs to know about a program's target. */
export interface AttachTarget {
  readonly attachBtfId?: number;
  readonly attachBtfObjectFd?: number;
  readonly attachProgramFd?: number;
  /** In place of the spec's attach type, for struct_ops. */
  readonly expectedAttachType?: number;
}

/**
 * Finds what a program names as its target, in the kernel's types or in those of the program it is for.
 *
 * @throws BpfError `"NO_ATTACH_TARGET"` when the kernel has nothing by that name.
 */
export function attachTarget(spec: ProgramSpec, kernel: KernelBtf, targetProgram: Program | undefined): AttachTarget {
  if (targetProgram !== undefined) return targetInProgram(spec, targetProgram);
  if (spec.type === "ext") {
    throw new BpfError(
      "NO_ATTACH_TARGET",
      `program '${spec.name}' replaces a function of another program: give that in options.targets`,
    );
  }
  const target = spec.attachTo;
  const wanted = target === undefined ? undefined : kernelTarget(spec.attachType, afterModule(target));
  if (wanted === undefined) return {};
  const found = kernel.find(wanted.name, wanted.kind);
  if (found === undefined) {
    throw new BpfError(
      "NO_ATTACH_TARGET",
      `program '${spec.name}' attaches to ${target}: the kernel has no ${wanted.kind} ${wanted.name}`,
      {
        program: spec.name,
        target,
      },
    );
  }
  return {
    attachBtfId: found.id,
    ...(found.module === undefined ? {} : { attachBtfObjectFd: found.module.fd.number }),
  };
}

/** `module:function` names the module too; the search finds it without. */
function afterModule(target: string): string {
  return target.slice(target.indexOf(":") + 1);
}

function targetInProgram(spec: ProgramSpec, program: Program): AttachTarget {
  const fd = fdOf(program);
  const { btfId } = programInfo(fd);
  if (btfId === 0) {
    throw new NotSupportedError(
      "BTF of the target program",
      `program '${program.name}' has no BTF, so its functions cannot be named`,
    );
  }
  using btfFd = new FileDescriptor(btfFdById(btfId), `BTF ${btfId}`);
  const name = spec.attachTo ?? program.name;
  const [id] = parseBtf(readBtf(btfFd.number)).find(name, "func");
  if (id === undefined) {
    throw new BpfError("NO_ATTACH_TARGET", `program '${program.name}' has no function ${name}`, {
      program: program.name,
      target: name,
    });
  }
  return { attachBtfId: id, attachProgramFd: fd };
}

/** The bytes of a BTF object. */
export function readBtf(fd: number): Uint8Array {
  const { view } = objectInfo(fd, BTF_INFO_SIZE);
  const bytes = new Uint8Array(new ArrayBuffer(view.getUint32(8, true)));
  fillBtf(fd, bytes);
  return bytes;
}

function fillBtf(fd: number, bytes: Uint8Array): void {
  const address = addressOf(bytes);
  objectInfo(fd, BTF_INFO_SIZE, (info) => {
    info.setBigUint64(0, BigInt(address), true);
    info.setUint32(8, bytes.length, true);
  });
}
