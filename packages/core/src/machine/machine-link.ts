import { EBADF, EINVAL, ENOLINK } from "../abi/index.js";
import type { Link, Program } from "../host/index.js";
import { failure } from "./failure.js";
import { MachineProgram } from "./machine-program.js";

/** A hook on a device. */
export interface LinkPlace {
  readonly device: { readonly name: string; readonly index: number };
  /** Of tc hooks. */
  readonly direction?: "ingress" | "egress";
}

/** What a kind of link does when its program changes, or when it goes. */
export interface LinkTarget {
  /** Of a hook on a device: where it is. */
  readonly place?: LinkPlace;
  /** Takes its place; called after the types were compared. */
  replace(program: MachineProgram): void;
  detach(): void;
}

/** What the Machine keeps of its links. */
export interface LinkOwner {
  owns(program: MachineProgram): boolean;
  /** The link is there; returns its id. */
  linked(link: LinkObject): number;
  /** Its last reference is gone. */
  unlinked(link: LinkObject): void;
}

/** Kinds of bpf_link that a Machine has, and the attachments that are no link and whose id is 0. */
export type MachineLinkKind =
  | "xdp"
  | "tcx"
  | "tc"
  | "tracepoint"
  | "raw_tracepoint"
  | "tracing"
  | "kprobe"
  | "kretprobe"
  | "kprobe_multi"
  | "uprobe"
  | "uretprobe"
  | "uprobe_multi"
  | "perf_event"
  | "iterator"
  | "struct_ops"
  | "cgroup"
  | "cgroup_prog"
  | "netns"
  | "netfilter"
  | "sockmap"
  | "socket"
  | "reuseport"
  | "lwt";

/**
 * An attachment as the Machine keeps it: it lives while a handle or a pin holds it. When what it is attached to goes, it
 * stays as a link that leads nowhere.
 */
export class LinkObject {
  readonly kind: MachineLinkKind;
  readonly id: number;
  readonly owner: LinkOwner;
  program: MachineProgram;
  target: LinkTarget | undefined;
  #references = 0;
  #gone = false;

  constructor(kind: MachineLinkKind, program: MachineProgram, owner: LinkOwner) {
    this.kind = kind;
    this.owner = owner;
    this.program = program;
    program.reference();
    this.id = owner.linked(this);
  }

  reference(): void {
    this.#references++;
  }

  unreference(): void {
    if (--this.#references === 0) this.dispose();
  }

  detach(): void {
    const { target } = this;
    this.target = undefined;
    target?.detach();
  }

  /** Its end, whoever holds it. */
  dispose(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.detach();
    this.owner.unlinked(this);
    this.program.unreference();
  }
}

/** A handle to a program's attachment in a Machine: it detaches with its last handle, unless it is pinned. */
export class MachineLink implements Link {
  /** @internal */
  readonly object: LinkObject;
  #open = true;

  /** @internal */
  constructor(object: LinkObject) {
    this.object = object;
    object.reference();
  }

  get kind(): MachineLinkKind {
    return this.object.kind;
  }

  get id(): number {
    return this.object.id;
  }

  get program(): MachineProgram {
    return this.object.program;
  }

  /** The device and hook that it is on; undefined for links elsewhere, and where nothing is left to be attached to. */
  get place(): LinkPlace | undefined {
    return this.object.target?.place;
  }

  /** False after `detach`, and when the device is gone. */
  get attached(): boolean {
    return this.object.target !== undefined;
  }

  /**
   * Puts another program in its place: the next packet meets it, none meets nothing.
   *
   * @throws SyscallError EINVAL for a program of another type or attach type, ENOLINK where nothing is left to attach to,
   * EBADF after close.
   */
  update(program: Program): void {
    const command = "BPF_LINK_UPDATE";
    const { object } = this;
    this.assertOpen(command);
    if (!(program instanceof MachineProgram) || !object.owner.owns(program))
      throw failure(command, EBADF, `program '${program.name}' is of another host`);
    program.assertOpen(command);
    if (object.target === undefined) throw failure(command, ENOLINK, "it is detached");
    const before = object.program;
    if (program.type !== before.type || program.attachType !== before.attachType)
      throw failure(command, EINVAL, `program '${program.name}' is of another type than '${before.name}'`);
    object.target.replace(program);
    program.reference();
    object.program = program;
    before.unreference();
  }

  /** BPF_LINK_DETACH: detaches although a pin holds the link. */
  detach(): void {
    this.assertOpen("BPF_LINK_DETACH");
    this.object.detach();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.object.unreference();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal @throws SyscallError EBADF after close. */
  assertOpen(command: string): void {
    if (!this.#open) throw failure(command, EBADF, `the ${this.kind} link is closed`);
  }

  /** @internal Handles to one and the same? */
  isSame(other: MachineLink): boolean {
    return this.object === other.object;
  }

  /** @internal What it was made for. */
  attach(target: LinkTarget): void {
    this.object.target = target;
  }
}
