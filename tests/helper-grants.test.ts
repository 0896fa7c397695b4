import {
  type AttachType,
  attachTypes,
  baseHelpers,
  type Capability,
  capabilities,
  capabilitiesToLoad,
  encodeInstructions,
  hasCapability,
  helperGrants,
  helperPrototypes,
  type ProgramType,
  programTypes,
} from "@tsbpf/core";
import { kernelProblem, verifyOnKernel } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";

const exit = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };
const call = (id: number) => ({ opcode: 0x85, dst: 0, src: 0, offset: 0, imm: id });

interface Loader {
  readonly type: ProgramType;
  readonly attachType: AttachType | undefined;
  readonly capabilities: readonly Capability[];
}

function attempt({ type, attachType, capabilities: held }: Loader, first: ReturnType<typeof call>) {
  const flags = type === "syscall" ? 16 : 0;
  const insns = encodeInstructions([first, exit]);
  return verifyOnKernel({ insns, type, attachType, flags, license: "GPL", capabilities: held });
}

/** The kernel's list, or undefined where no program of this type and attach type gets as far as a call. */
function grantedByKernel(loader: Loader): string[] | undefined {
  if (attempt(loader, { ...call(0), opcode: 0xb7 }).log === "") return undefined;
  const refused = /program of this type cannot use helper|unknown func/;
  const names = new Map(helperPrototypes.map(({ id, name }) => [id, name]));
  return [...names].filter(([id]) => !refused.test(attempt(loader, call(id)).log)).map(([, name]) => name);
}

function grantedByTable({ type, attachType, capabilities: held }: Loader): string[] {
  const granted = [...baseHelpers, ...helperGrants[type]].filter(
    (grant) =>
      grant.attachTo === undefined &&
      (grant.capability === undefined || hasCapability(held, grant.capability)) &&
      (grant.attachTypes === undefined || (attachType !== undefined && grant.attachTypes.includes(attachType))) &&
      (grant.notAttachTypes === undefined || !grant.notAttachTypes.includes(attachType ?? "cgroup_inet_ingress")),
  );
  return [...new Set(granted.map(({ helper }) => helper))];
}

// Types whose programs the kernel refuses without a target from its own BTF.
const typed: readonly ProgramType[] = ["tracing", "struct_ops", "ext", "lsm"];

const problem = kernelProblem();
describe.skipIf(problem !== undefined)(`helper grants, asked of the kernel${problem ? ` (${problem})` : ""}`, () => {
  for (const { name: type } of programTypes) {
    if (typed.includes(type)) continue;
    it(type, () => {
      let asked = 0;
      for (const attachType of [undefined, ...attachTypes.map(({ name }) => name)]) {
        const loader = { type, attachType, capabilities };
        const kernel = grantedByKernel(loader);
        if (kernel === undefined) continue;
        asked++;
        expect(grantedByTable(loader).sort(), `${type} ${attachType}`).toEqual(kernel.sort());
      }
      // Programs of infrared receivers are what a kernel may have been built without.
      if (type !== "lirc_mode2") expect(asked).toBeGreaterThan(0);
    });

    it(`${type} without CAP_PERFMON`, () => {
      const held = ["bpf", "net_admin"] as const;
      for (const attachType of [undefined, ...attachTypes.map(({ name }) => name)]) {
        const loader = { type, attachType, capabilities: held };
        const kernel = grantedByKernel(loader);
        if (kernel === undefined) continue;
        expect(capabilitiesToLoad(type).every((needed) => held.some((each) => each === needed))).toBe(true);
        expect(grantedByTable(loader).sort(), `${type} ${attachType}`).toEqual(kernel.sort());
        return;
      }
    });
  }
});
