import type { AttachType } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import type { Program } from "@tsbpf/core/host";
import { errnos, syscallError } from "../sys/index.js";

/** `type`, or an error that says that it is missing. @throws BpfError `"ATTACH_TYPE"` */
export function hookOf(program: Program, type: AttachType | undefined): AttachType {
  if (type !== undefined) return type;
  throw new BpfError(
    "ATTACH_TYPE",
    `program '${program.name}' of type ${program.type} does not say where it attaches: give an attach type`,
    {
      program: program.name,
    },
  );
}

/** @throws BpfError `"PROGRAM_TYPE"` when the program is none of `types`: what the kernel would call EINVAL. */
export function requireType(program: Program, hook: string, ...types: readonly Program["type"][]): void {
  if (types.includes(program.type)) return;
  throw new BpfError(
    "PROGRAM_TYPE",
    `program '${program.name}' is of type ${program.type}; ${hook} takes ${types.join(" or ")}`,
    {
      program: program.name,
      type: program.type,
    },
  );
}

/** As {@link requireType} for hooks of devices, where both hosts say EINVAL as the kernel does. @throws SyscallError EINVAL */
export function requireDeviceType(program: Program, hook: string, type: Program["type"]): void {
  if (program.type === type) return;
  throw syscallError(`attaching '${program.name}' by ${hook}`, errnos.EINVAL, {
    hint: `it is of type ${program.type}; ${hook} takes ${type}`,
  });
}
