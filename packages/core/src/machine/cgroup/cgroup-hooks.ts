import { type AttachType, EBADF, EINVAL, type ProgramType } from "../../abi/index.js";
import type { Link, Program } from "../../host/index.js";
import { CgroupStorageMap } from "../../maps/index.js";
import { storageKey } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { LinkObject, type LinkOwner, MachineLink } from "../machine-link.js";
import { MachineProgram } from "../machine-program.js";
import type { CgroupEntry, CgroupSharing } from "./attachments.js";
import type { Cgroup } from "./cgroup.js";
import type { CgroupTree } from "./cgroup-tree.js";

/** What a program is attached to in a cgroup, by the program's type; the first is meant where nothing is said. */
const hooks: Partial<Record<ProgramType, readonly AttachType[]>> = {
  cgroup_skb: ["cgroup_inet_ingress", "cgroup_inet_egress"],
  cgroup_sock: [
    "cgroup_inet_sock_create",
    "cgroup_inet_sock_release",
    "cgroup_inet4_post_bind",
    "cgroup_inet6_post_bind",
  ],
  cgroup_sock_addr: [
    "cgroup_inet4_bind",
    "cgroup_inet6_bind",
    "cgroup_inet4_connect",
    "cgroup_inet6_connect",
    "cgroup_inet4_getpeername",
    "cgroup_inet6_getpeername",
    "cgroup_inet4_getsockname",
    "cgroup_inet6_getsockname",
    "cgroup_udp4_sendmsg",
    "cgroup_udp6_sendmsg",
    "cgroup_udp4_recvmsg",
    "cgroup_udp6_recvmsg",
  ],
  sock_ops: ["cgroup_sock_ops"],
  cgroup_sockopt: ["cgroup_getsockopt", "cgroup_setsockopt"],
  cgroup_sysctl: ["cgroup_sysctl"],
  cgroup_device: ["cgroup_device"],
};

/** How a program is attached to a cgroup. */
export interface CgroupAttachOptions {
  /** By a link (the default), which implies `multi`, or by BPF_PROG_ATTACH. */
  readonly sharing?: CgroupSharing | "link" | undefined;
  /** The attachment whose place it takes, of `multi` ones without a link (BPF_F_REPLACE). */
  readonly replaces?: Program | undefined;
  readonly before?: Link | undefined;
  readonly after?: Link | undefined;
  /** Runs before those of the cgroups below, instead of after them (BPF_F_PREORDER). */
  readonly preorder?: boolean | undefined;
}

/** Attaches programs to cgroups. */
export class CgroupHooks {
  readonly #tree: CgroupTree;
  readonly #owner: LinkOwner;

  constructor(tree: CgroupTree, owner: LinkOwner) {
    this.#tree = tree;
    this.#owner = owner;
  }

  attach(program: Program, where: Cgroup | string, given?: AttachType, options: CgroupAttachOptions = {}): MachineLink {
    const { sharing = "link" } = options;
    const command = sharing === "link" ? "BPF_LINK_CREATE" : "BPF_PROG_ATTACH";
    const own = this.#program(program, command);
    const type = attachTypeOf(own, given, command);
    const cgroup = typeof where === "string" ? this.#tree.get(where) : where;
    const { attachments } = cgroup;
    const object = new LinkObject(sharing === "link" ? "cgroup" : "cgroup_prog", own, this.#owner);
    const link = new MachineLink(object);
    let entry!: CgroupEntry;
    try {
      const replaced = attachments.add(
        type,
        sharing === "link" ? "multi" : sharing,
        { before: asLink(options.before), after: asLink(options.after), preorder: options.preorder },
        (storage, preorder) => {
          entry = { link, program: own, preorder, storage };
          return entry;
        },
        own,
        options.replaces === undefined ? undefined : this.#program(options.replaces, command),
      );
      attachStorage(own, entry);
      replaced?.link.object.dispose();
    } catch (error) {
      object.dispose();
      throw error;
    }
    link.attach({
      replace: (next) => {
        attachStorage(next, entry);
        entry.program = next;
      },
      detach: () => attachments.remove(type, entry),
    });
    return link;
  }

  #program(program: Program, command: string): MachineProgram {
    if (!(program instanceof MachineProgram) || !this.#owner.owns(program))
      throw failure(command, EBADF, `program '${program.name}' is of another host`);
    program.assertOpen(command);
    return program;
  }
}

function attachTypeOf(program: MachineProgram, given: AttachType | undefined, command: string): AttachType {
  const possible = hooks[program.type];
  if (possible === undefined) throw failure(command, EINVAL, `a program of type ${program.type} has no cgroup hook`);
  const type = given ?? program.attachType ?? possible[0]!;
  // Packet programs of the older kind can be attached either way; all others say what they are for.
  const isFree = program.type === "cgroup_skb" && program.attachType === undefined;
  const wanted = program.attachType ?? possible[0]!;
  if (!possible.includes(type) || (!isFree && type !== wanted))
    throw failure(command, EINVAL, `program '${program.name}' is for ${wanted}, not for ${type}`);
  return type;
}

function asLink(link: Link | undefined): MachineLink | undefined {
  return link instanceof MachineLink ? link : undefined;
}

/** Gives the program's storage maps a value for the attachment. */
function attachStorage(program: MachineProgram, { storage }: CgroupEntry): void {
  for (const { live } of program.object.parts.maps)
    if (live instanceof CgroupStorageMap) live.attach(storageKey(live.keySize, storage.cgroup, storage.attachType));
}
