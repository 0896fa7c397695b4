import { type Btf, BtfBuilder } from "@tsbpf/core/btf";
import { BPF_PSEUDO_BTF_ID, BPF_PSEUDO_KFUNC_CALL, decodeSlots, OPCODE_CALL, OPCODE_LDDW } from "@tsbpf/core/isa";
import type { VerifierInput, VerifierMap } from "@tsbpf/core/verifier";
import type { JobMap, RawJob } from "./job.js";

/** A raw job as the embedded verifier takes it. */
export function jobInput(raw: RawJob, kernelTypes: Btf | undefined): VerifierInput {
  const { insns, type, attachType, flags, maps, btf, functions, attachBtfId } = raw;
  const records = new DataView(functions.buffer, functions.byteOffset, functions.byteLength);
  return {
    insns,
    type,
    attachType,
    flags,
    license: "GPL",
    maps: new Map(maps.map((map) => [map.fd, jobMap(map, btf?.types)])),
    btf: btf?.types,
    functions: Array.from({ length: Math.floor(functions.length / 8) }, (_, index) => ({
      slot: records.getUint32(8 * index, true),
      typeId: records.getUint32(8 * index + 4, true),
    })),
    attachBtfId,
    kernelTypes,
  };
}

/** Does a raw job name kernel functions, variables or an attach target, by the ids of a kernel's types? */
export function namesKernelTypes({ insns, attachBtfId }: RawJob): boolean {
  const { opcode, src, length } = decodeSlots(insns);
  for (let slot = 0; slot < length; slot++) {
    if (opcode[slot] === OPCODE_CALL && src[slot] === BPF_PSEUDO_KFUNC_CALL) return true;
    if (opcode[slot] !== OPCODE_LDDW) continue;
    if (src[slot] === BPF_PSEUDO_BTF_ID) return true;
    slot++;
  }
  return attachBtfId !== undefined;
}

function jobMap(map: JobMap, types: Btf | undefined): VerifierMap {
  return {
    name: "",
    type: map.type,
    keySize: map.key,
    valueSize: map.value,
    maxEntries: map.max,
    flags: map.flags ?? 0,
    ...(map.btf_value ? { btf: types ?? mapTypes(), keyTypeId: 1, valueTypeId: map.btf_value } : {}),
  };
}

let types: Btf | undefined;

/**
 * What `btf_value` of a job without BTF counts in: the types that the kernel's table of verifier cases makes its maps
 * with. 3 has a spin lock, 5 a timer, 14 three kernel pointers.
 */
export function mapTypes(): Btf {
  if (types !== undefined) return types;
  const builder = new BtfBuilder();
  const struct = (name: string, size: number, ...members: readonly (readonly [string, number, number])[]) =>
    builder.add({
      kind: "struct",
      name,
      size,
      members: members.map(([member, type, bitOffset]) => ({ name: member, type, bitOffset, bitSize: 0 })),
    });
  const pointer = (type: number) => builder.add({ kind: "ptr", type });
  const tag = (name: string, type: number) => builder.add({ kind: "type_tag", name, type });
  const int = builder.add({ kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 });
  const lock = struct("bpf_spin_lock", 4, ["val", int, 0]);
  struct("val", 8, ["cnt", int, 0], ["l", lock, 32]);
  const timer = struct("bpf_timer", 16);
  struct("timer", 16, ["t", timer, 0]);
  const referenced = struct("prog_test_ref_kfunc", 0);
  const member = struct("prog_test_member", 0);
  const tags = [tag("kptr_untrusted", referenced), tag("kptr", referenced), tag("kptr", member)];
  const [untrusted, kernel, inner] = tags.map(pointer);
  struct("btf_ptr", 24, ["ptr", untrusted!, 0], ["ptr", kernel!, 64], ["ptr", inner!, 128]);
  types = builder.build();
  return types;
}
