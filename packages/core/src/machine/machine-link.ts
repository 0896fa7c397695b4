import { EBADF, EINVAL, ENOLINK } from "../abi/index.js";
import type { Link, Program } from "../host/index.js";
import { failure } from "./failure.js";
import { MachineProgram } from "./machine-program.js";

/** What a kind of link does when its program changes, or when it goes. */
export interface LinkTarget {
  /** Takes its place; called after the types were compared. */
  replace(program: MachineProgram): void;
  detach(): void;
}

/** What the Machine keeps of its links. */
export interface LinkOwner {
  owns(program: MachineProgram): boolean;
  /** The link is there; returns its id. */
  linked(link: MachineLink): number;
  /** Its last reference is gone. */
  unlinked(link: MachineLink): void;
}

/** Kinds of bpf_link that a Machine has, and the attachments that are no link and whose id is 0. */
export type MachineLinkKind = "xdp" | "tcx" | "tc";

/**
 * A program attached to something in a Machine. It lives while its handle or a pin does; when what it is attached to
 * goes, it stays as a link that leads nowhere.
 */
export class MachineLink implements Link {
  readonly kind: MachineLinkKind;
  readonly id: number;
  readonly #owner: LinkOwner;
  #program: MachineProgram;
  #target: LinkTarget | undefined;
  #references = 1;
  #open = true;

  /** @internal */
  constructor(kind: MachineLinkKind, program: MachineProgram, owner: LinkOwner) {
    this.kind = kind;
    this.#owner = owner;
    this.#program = program;
    program.reference();
    this.id = owner.linked(this);
  }

  get program(): MachineProgram {
    return this.#program;
  }

  /** False after `detach`, and when the device is gone. */
  get attached(): boolean {
    return this.#target !== undefined;
  }

  /**
   * Puts another program in its place: the next packet meets it, none meets nothing.
   *
   * @throws SyscallError EINVAL for a program of another type or attach type, ENOLINK where nothing is left to attach to,
   * EBADF after close.
   */
  update(program: Program): void {
    const command = "BPF_LINK_UPDATE";
    if (!this.#open) throw failure(command, EBADF, `the ${this.kind} link is closed`);
    if (!(program instanceof MachineProgram) || !this.#owner.owns(program))
      throw failure(command, EBADF, `program '${program.name}' is of another host`);
    program.assertOpen(command);
    if (this.#target === undefined) throw failure(command, ENOLINK, "it is detached");
    const before = this.#program;
    if (program.type !== before.type || program.attachType !== before.attachType)
      throw failure(command, EINVAL, `program '${program.name}' is of another type than '${before.name}'`);
    program.reference();
    this.#target.replace(program);
    this.#program = program;
    before.unreference();
  }

  /** BPF_LINK_DETACH: detaches although a pin holds the link. */
  detach(): void {
    if (!this.#open) throw failure("BPF_LINK_DETACH", EBADF, `the ${this.kind} link is closed`);
    this.#detach();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.unreference();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal It is attached; without a link, where that fails. */
  attach(target: LinkTarget): void {
    this.#target = target;
  }

  /** @internal What it was attached to is gone. */
  orphan(): void {
    this.#target = undefined;
  }

  /** @internal */
  get open(): boolean {
    return this.#open;
  }

  /** @internal */
  reference(): void {
    this.#references++;
  }

  /** @internal */
  unreference(): void {
    if (--this.#references > 0) return;
    this.#detach();
    this.#owner.unlinked(this);
    this.#program.unreference();
  }

  #detach(): void {
    const target = this.#target;
    this.#target = undefined;
    target?.detach();
  }
}
