import { BpfError } from "@tsbpf/core/base";
import { type Btf, type BtfComposite, essentialName, resolve } from "@tsbpf/core/btf";
import type { MapSpec, ProgramSpec, StructOpsSpec } from "@tsbpf/core/spec";
import type { KernelBtf, KernelType } from "./kernel-btf.js";
import { LinuxMap } from "./linux-map.js";
import type { LinuxProgram } from "./linux-program.js";

/** A kernel interface made of functions, as this kernel has it. */
export interface KernelInterface {
  /** The struct, e.g. `tcp_congestion_ops`. */
  readonly struct: KernelType;
  readonly type: BtfComposite;
  /** `bpf_struct_ops_NAME`, which is the map's value: the kernel's own fields, then the struct. */
  readonly valueType: KernelType;
  /** Bytes of a value. */
  readonly valueSize: number;
  /** Bytes from the value's start to the struct. */
  readonly dataOffset: number;
}

/**
 * Finds the interface that a struct_ops map implements.
 *
 * @throws BpfError `"NO_STRUCT_OPS"` when the kernel has none by that name.
 */
export function findInterface(spec: StructOpsSpec, kernel: KernelBtf): KernelInterface {
  const name = essentialName(spec.typeName);
  const struct = kernel.find(name, "struct");
  const valueType = kernel.find(`bpf_struct_ops_${name}`, "struct");
  const type = struct?.btf.type(struct.id);
  const value = valueType?.btf.type(valueType.id);
  if (struct === undefined || valueType === undefined || type?.kind !== "struct" || value?.kind !== "struct") {
    throw new BpfError("NO_STRUCT_OPS", `the kernel has no interface ${name} that programs can implement`, { name });
  }
  const data = value.members.find((member) => resolve(valueType.btf, member.type) === struct.id);
  if (data === undefined) throw new BpfError("NO_STRUCT_OPS", `bpf_struct_ops_${name} has no ${name} in it`, { name });
  return { struct, type, valueType, valueSize: value.size, dataOffset: data.bitOffset / 8 };
}

/** Where in the interface a struct_ops program belongs: what BPF_PROG_LOAD has to know. */
export interface StructOpsMember {
  readonly attachBtfId: number;
  readonly attachBtfObjectFd?: number;
  /** The member's index, given as expected attach type. */
  readonly expectedAttachType: number;
}

/** @throws BpfError `"NO_STRUCT_OPS"` for an interface or a member that the kernel lacks. */
export function structOpsMember(program: ProgramSpec, kernel: KernelBtf): StructOpsMember {
  const [name = "", member = ""] = (program.attachTo ?? "").split("/");
  const struct = kernel.find(name, "struct");
  const type = struct?.btf.type(struct.id);
  const index = type?.kind === "struct" ? type.members.findIndex((each) => each.name === member) : -1;
  if (struct === undefined || index < 0) {
    throw new BpfError(
      "NO_STRUCT_OPS",
      `program '${program.name}' implements ${name}.${member}, which the kernel does not have`,
      {
        program: program.name,
      },
    );
  }
  const module = struct.module === undefined ? {} : { attachBtfObjectFd: struct.module.fd.number };
  return { attachBtfId: struct.id, expectedAttachType: index, ...module };
}

/** A struct_ops map: its value is what the kernel gets when it is attached. */
export class StructOpsMap extends LinuxMap {
  /** Attached by a link, else by writing the map. */
  readonly linked: boolean;
  /** The kernel's struct with program fds in place of functions; filled in when programs are loaded. */
  value: Uint8Array = new Uint8Array(0);
  /** Programs that implement it. */
  programs: readonly LinuxProgram[] = [];

  constructor(fd: number, name: string, linked: boolean) {
    super(fd, name);
    this.linked = linked;
  }
}

/**
 * The value that makes the kernel use the programs: plain members are taken over by their names.
 *
 * @throws BpfError `"STRUCT_OPS_MEMBER"` for a member that is not 0 and that the kernel lacks, or has in another size.
 */
export function structOpsValue(
  spec: MapSpec,
  target: KernelInterface,
  local: Btf,
  programFd: (name: string) => number | undefined,
): Uint8Array {
  const structOps = spec.structOps!;
  const type = local.type(structOps.typeId);
  if (type.kind !== "struct") throw new BpfError("NO_STRUCT_OPS", `${structOps.typeName} is no struct`);
  const initial = spec.contents[0]?.value;
  const source = initial instanceof Uint8Array ? initial : new Uint8Array(type.size);
  const value = new Uint8Array(target.valueSize);
  const view = new DataView(value.buffer);
  const functions = new Map(structOps.functions.map((each) => [each.offset, each.program]));
  for (const member of type.members) {
    const offset = member.bitOffset / 8;
    const place = target.type.members.find((each) => each.name === member.name);
    const program = functions.get(offset);
    const size = local.size(member.type) ?? 0;
    const bytes = source.subarray(offset, offset + size);
    if (program === undefined && bytes.every((byte) => byte === 0)) continue;
    if (place === undefined) fail(spec, member.name, "the kernel does not have it");
    const at = target.dataOffset + place.bitOffset / 8;
    if (program !== undefined) {
      const fd = programFd(program);
      // A program that was left out of this load leaves its member empty.
      if (fd !== undefined) view.setBigUint64(at, BigInt(fd), true);
      continue;
    }
    if (target.struct.btf.size(place.type) !== size) fail(spec, member.name, "it has another size in the kernel");
    value.set(bytes, at);
  }
  return value;
}

function fail(spec: MapSpec, member: string, why: string): never {
  throw new BpfError("STRUCT_OPS_MEMBER", `${spec.name}.${member} is set, but ${why}`, { map: spec.name, member });
}
