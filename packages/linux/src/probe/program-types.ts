import { attachTypeId, type ProgramType, programTypeId } from "@tsbpf/core/abi";
import { kernelVersion } from "../host/kernel-config.js";
import { ENOTSUPP, FileDescriptor, loadProgram, type ProgramLoad } from "../sys/index.js";

const BPF_F_SLEEPABLE = 16;

/** r0 = 0; exit */
const returnZero = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** What a program of a type has to be loaded with, beside its instructions, to be taken at all. */
const needed: Readonly<Partial<Record<ProgramType, () => Partial<ProgramLoad>>>> = {
  kprobe: () => ({ kernelVersion: kernelVersion() }),
  cgroup_sock_addr: () => ({ expectedAttachType: attachTypeId("cgroup_inet4_connect") }),
  cgroup_sockopt: () => ({ expectedAttachType: attachTypeId("cgroup_getsockopt") }),
  sk_lookup: () => ({ expectedAttachType: attachTypeId("sk_lookup") }),
  netfilter: () => ({ expectedAttachType: attachTypeId("netfilter") }),
  syscall: () => ({ flags: BPF_F_SLEEPABLE }),
};

/**
 * Types whose programs need a target of the kernel's own types. Without one the kernel that has them complains about the
 * target: with these words in its log or this errno.
 */
const targeted: Readonly<Partial<Record<ProgramType, { load: Partial<ProgramLoad>; said?: RegExp; errno?: number }>>> =
  {
    tracing: {
      load: { expectedAttachType: attachTypeId("trace_fentry"), attachBtfId: 1 },
      said: /attach_btf_id 1 is not/,
    },
    lsm: { load: { expectedAttachType: attachTypeId("lsm_mac"), attachBtfId: 1 }, said: /attach_btf_id 1 is not/ },
    ext: { load: { attachBtfId: 1 }, said: /Cannot replace kernel functions/ },
    struct_ops: { load: {}, errno: ENOTSUPP },
  };

/** What BPF_PROG_LOAD needs for a program of this type, where it needs no target. */
export function minimalLoad(type: ProgramType, insns: Uint8Array, interfaceIndex = 0): ProgramLoad {
  return { type: programTypeId(type), insns, license: "GPL", interfaceIndex, ...needed[type]?.() };
}

/** Has this type programs with a target of the kernel's own types, so that its helpers cannot be asked for one by one? */
export function needsTarget(type: ProgramType): boolean {
  return targeted[type] !== undefined;
}

/**
 * Does the running kernel load programs of this type? Tried with a program that does nothing.
 *
 * `tracing` is tried as fentry: a kernel without function tracing answers no, although it may take iterators and raw
 * tracepoints with types.
 *
 * @param interfaceIndex A device that programs would be offloaded to; 0 for the kernel itself.
 */
export function probeProgramType(type: ProgramType, interfaceIndex = 0): boolean {
  const special = targeted[type];
  const { result, log } = loadProgram({
    ...minimalLoad(type, returnZero, interfaceIndex),
    ...special?.load,
    ...(special?.said === undefined ? {} : { logLevel: 1 }),
  });
  if (result >= 0) {
    new FileDescriptor(result, "probe").close();
    return true;
  }
  return special?.said?.test(log) === true || (special?.errno !== undefined && result === -special.errno);
}
