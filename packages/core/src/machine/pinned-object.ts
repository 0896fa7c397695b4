import { EBADF, EINVAL } from "../abi/index.js";
import { BpfMap, type Program } from "../host/index.js";
import type { Pinnable } from "./bpf-filesystem.js";
import { failure } from "./failure.js";
import { MachineLink } from "./machine-link.js";
import { MachineMap } from "./machine-map.js";
import { MachineProgram } from "./machine-program.js";

/** What a pin holds, and how it becomes a handle again. */
export interface PinnedObject extends Pinnable {
  /** A new handle. */
  open(): MachineProgram | BpfMap | MachineLink;
}

/** Makes handles to what is there already. */
export interface HandleMaker {
  /** Is it of this Machine, and open? */
  isOpen(object: MachineProgram | MachineMap): boolean;
  program(of: MachineProgram): MachineProgram;
  map(of: MachineMap, codecs: BpfMap["codecs"]): BpfMap;
}

/**
 * What pinning a handle keeps.
 *
 * @throws SyscallError EBADF for a handle that is closed or of another host, EINVAL for an attachment that is no link.
 */
export function pinnedObject(handle: Program | BpfMap | MachineLink, make: HandleMaker): PinnedObject {
  const command = "BPF_OBJ_PIN";
  if (handle instanceof MachineLink) {
    handle.assertOpen(command);
    if (handle.id === 0) throw failure(command, EINVAL, "a filter is no link");
    const { object } = handle;
    return {
      kind: "link",
      id: object.id,
      hold: () => object.reference(),
      release: () => object.unreference(),
      open: () => new MachineLink(object),
    };
  }
  if (handle instanceof BpfMap) {
    const { raw, codecs } = handle;
    if (!(raw instanceof MachineMap) || !make.isOpen(raw)) throw failure(command, EBADF, `map '${handle.name}'`);
    const { object } = raw;
    // Pins count as handles: a prog array that is pinned keeps its programs.
    return {
      kind: "map",
      id: object.id,
      hold: () => object.addHandle(),
      release: () => object.dropHandle(),
      open: () => make.map(raw, codecs),
    };
  }
  if (!(handle instanceof MachineProgram) || !make.isOpen(handle))
    throw failure(command, EBADF, `program '${handle.name}'`);
  const { object } = handle;
  return {
    kind: "prog",
    id: handle.id,
    hold: () => object.reference(),
    release: () => object.unreference(),
    open: () => make.program(handle),
  };
}
