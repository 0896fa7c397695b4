import { EBADF, EBUSY, EINVAL } from "../../abi/index.js";
import { BpfError } from "../../base/index.js";
import { essentialName, functionPrototype, type TypeId } from "../../btf/index.js";
import type { BpfMap } from "../../host/index.js";
import type { Environment, KernelValue } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { LinkObject, type LinkOwner, MachineLink } from "../machine-link.js";
import { MachineMap } from "../machine-map.js";
import type { MachineProgram } from "../machine-program.js";
import type { FiredRun, KernelEvents } from "./kernel-events.js";

const COMMAND = "BPF_LINK_CREATE";

/** Kernel interfaces that programs implement: the caller is the kernel that calls their members. */
export class StructOps {
  readonly #environment: Environment;
  readonly #events: KernelEvents;
  readonly #owner: LinkOwner;
  readonly #attached = new Set<number>();

  constructor(environment: Environment, events: KernelEvents, owner: LinkOwner) {
    this.#environment = environment;
    this.#events = events;
    this.#owner = owner;
  }

  /** @throws SyscallError EINVAL for a map without programs, EBUSY for one in force, BpfError `"MAP_TYPE"` */
  attach(map: BpfMap): MachineLink {
    const raw = structOpsMap(map);
    const [program] = raw.object.implementation.values();
    if (program === undefined) throw failure(COMMAND, EINVAL, `map '${map.name}' was not loaded with its programs`);
    if (this.#attached.has(raw.object.id)) throw failure(COMMAND, EBUSY, `'${map.name}' is in force`);
    const link = new MachineLink(new LinkObject("struct_ops", program, this.#owner));
    this.#attached.add(raw.object.id);
    raw.object.reference();
    link.attach({
      replace: () => {
        throw failure("BPF_LINK_UPDATE", EINVAL, "a map takes a struct_ops map's place, not a program");
      },
      detach: () => {
        this.#attached.delete(raw.object.id);
        raw.object.unreference();
      },
    });
    return link;
  }

  /**
   * Calls a member of an implementation that is in force. Undefined for one that it leaves to the kernel.
   *
   * @throws SyscallError EBADF where it is not in force, BpfError `"NO_SUCH_MEMBER"`, `"ARGUMENT"`
   */
  call(map: BpfMap, member: string, args: readonly KernelValue[]): FiredRun | undefined {
    const raw = structOpsMap(map);
    if (!this.#attached.has(raw.object.id)) throw failure("struct_ops", EBADF, `'${map.name}' is not in force`);
    const name = essentialName(raw.spec.structOps?.typeName ?? "");
    const parameters = this.#parameters(name, member);
    const program = raw.object.implementation.get(member);
    return program === undefined
      ? undefined
      : this.#events.runWithArguments(program, `${name}.${member}`, args, parameters);
  }

  /** Types of a member's parameters; undefined without the kernel's types. */
  #parameters(name: string, member: string): readonly TypeId[] | undefined {
    const { types } = this.#environment.kernel;
    const [id] = types?.find(name, "struct") ?? [];
    const struct = id === undefined ? undefined : types!.type(id);
    if (types === undefined || struct?.kind !== "struct") return undefined;
    const type = struct.members.find((each) => each.name === member)?.type;
    const pointer = type === undefined ? undefined : types.type(type);
    const prototype = pointer?.kind === "ptr" ? functionPrototype(types, pointer.type) : undefined;
    if (prototype === undefined) throw new BpfError("NO_SUCH_MEMBER", `${name} has no function ${member}`, { member });
    return prototype.params.map((parameter) => parameter.type);
  }
}

/** The programs of a struct_ops map, by the members that they implement. */
export function implementationOf(
  map: MachineMap,
  programs: ReadonlyMap<string, MachineProgram>,
): ReadonlyMap<string, MachineProgram> {
  const found = (map.spec.structOps?.functions ?? []).flatMap(({ member, program: name }) => {
    const program = programs.get(name);
    // A program that was left out of this load leaves its member to the kernel.
    return program === undefined ? [] : [[member, program] as const];
  });
  return new Map(found);
}

function structOpsMap(map: BpfMap): MachineMap {
  const { raw } = map;
  if (raw instanceof MachineMap && raw.info.type === "struct_ops") return raw;
  throw new BpfError("MAP_TYPE", `map '${map.name}' is no struct_ops map of this Machine`, { map: map.name });
}
