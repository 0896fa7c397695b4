import { EBUSY, EEXIST, EINVAL } from "../../abi/index.js";
import type { ControlGroup } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { CgroupAttachments } from "./attachments.js";
import type { CgroupTree } from "./cgroup-tree.js";

/** A control group: a folder of the hierarchy that tasks and sockets are in, and that programs attach to. */
export class Cgroup implements ControlGroup {
  readonly id: bigint;
  readonly name: string;
  readonly parent: Cgroup | undefined;
  /** For maps of control groups: `map.raw.update(key, fd)`. */
  readonly fd: number;
  readonly children = new Map<string, Cgroup>();
  /** @internal */
  readonly attachments: CgroupAttachments;
  readonly #tree: CgroupTree;

  /** @internal */
  constructor(tree: CgroupTree, name: string, parent: Cgroup | undefined) {
    this.#tree = tree;
    this.name = name;
    this.parent = parent;
    this.id = tree.nextId();
    this.fd = tree.descriptors.open(this);
    this.attachments = new CgroupAttachments(this);
  }

  /** From the root: `/`, `/web/blue`. */
  get path(): string {
    if (this.parent === undefined) return "/";
    return `${this.parent.parent === undefined ? "" : this.parent.path}/${this.name}`;
  }

  /** @throws SyscallError EEXIST, EINVAL for a name that no folder has. */
  create(name: string): Cgroup {
    if (name === "" || name === "." || name === ".." || name.includes("/"))
      throw failure("mkdir", EINVAL, `'${name}' is no name for a cgroup`);
    if (this.children.has(name)) throw failure("mkdir", EEXIST, `there is a cgroup '${name}'`);
    const child = new Cgroup(this.#tree, name, this);
    this.children.set(name, child);
    return child;
  }

  /**
   * Takes an empty cgroup away. Its programs are detached: their links lead nowhere. Sockets keep it until they close.
   *
   * @throws SyscallError EBUSY for the root, one with children, and the current one.
   */
  remove(): void {
    if (this.parent === undefined || this.children.size > 0 || this.#tree.current === this)
      throw failure("rmdir", EBUSY, `${this.path} is in use`);
    this.parent.children.delete(this.name);
    this.attachments.detachAll();
    this.#tree.descriptors.close(this.fd);
  }

  /** Runs `work` as a task of this cgroup: sockets that it makes belong to it. */
  run<T>(work: () => T): T {
    const before = this.#tree.current;
    this.#tree.current = this;
    try {
      return work();
    } finally {
      this.#tree.current = before;
    }
  }

  /** Part of the Machine, which closes it: there is nothing to give up. */
  close(): void {}
}
