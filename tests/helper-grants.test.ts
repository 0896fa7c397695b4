import {
  type AttachType,
  attachTypes,
  baseHelpers,
  encodeInstructions,
  helperGrants,
  helperPrototypes,
  type ProgramType,
  programTypes,
} from "@tsbpf/core";
import { kernelProblem, verifyOnKernel } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";

const exit = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };
const call = (id: number) => ({ opcode: 0x85, dst: 0, src: 0, offset: 0, imm: id });

function attempt(type: ProgramType, attachType: AttachType | undefined, first: ReturnType<typeof call>) {
  const flags = type === "syscall" ? 16 : 0;
  return verifyOnKernel({ insns: encodeInstructions([first, exit]), type, attachType, flags, license: "GPL" });
}

/** The kernel's list, or undefined where no program of this type and attach type gets as far as a call. */
function grantedByKernel(type: ProgramType, attachType: AttachType | undefined): string[] | undefined {
  if (attempt(type, attachType, { ...call(0), opcode: 0xb7 }).log === "") return undefined;
  const refused = /program of this type cannot use helper|unknown func/;
  const names = new Map(helperPrototypes.map(({ id, name }) => [id, name]));
  return [...names].filter(([id]) => !refused.test(attempt(type, attachType, call(id)).log)).map(([, name]) => name);
}

function grantedByTable(type: ProgramType, attachType: AttachType | undefined): string[] {
  const granted = [...baseHelpers, ...helperGrants[type]].filter(
    (grant) =>
      grant.attachTo === undefined &&
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
        const kernel = grantedByKernel(type, attachType);
        if (kernel === undefined) continue;
        asked++;
        expect(grantedByTable(type, attachType).sort(), `${type} ${attachType}`).toEqual(kernel.sort());
      }
      // Programs of infrared receivers are what a kernel may have been built without.
      if (type !== "lirc_mode2") expect(asked).toBeGreaterThan(0);
    });
  }
});
