import { ENOENT } from "../../abi/index.js";
import type { Environment } from "../../runtime/index.js";
import type { Descriptors } from "../descriptors.js";
import { failure } from "../failure.js";
import { Cgroup } from "./cgroup.js";

/** The hierarchy of control groups of a Machine (cgroup v2). */
export class CgroupTree {
  /** Everything is in it. */
  readonly root: Cgroup;
  /** @internal */
  readonly descriptors: Descriptors;
  readonly #environment: Environment;
  #lastId = 0n;
  #current: Cgroup;

  /** @internal */
  constructor(environment: Environment, descriptors: Descriptors) {
    this.#environment = environment;
    this.descriptors = descriptors;
    this.root = new Cgroup(this, "", undefined);
    this.#current = this.root;
    environment.cgroup = this.root;
  }

  /** The one that the current task is in. */
  get current(): Cgroup {
    return this.#current;
  }

  /** @internal */
  set current(cgroup: Cgroup) {
    this.#current = cgroup;
    this.#environment.cgroup = cgroup;
    this.#environment.task.cgroupId = cgroup.id;
  }

  /** The cgroup at a path from the root, `"/web/blue"`. @throws SyscallError ENOENT */
  get(path: string): Cgroup {
    let found: Cgroup | undefined = this.root;
    for (const name of path.split("/")) if (name !== "") found = found?.children.get(name);
    if (found === undefined) throw failure("open", ENOENT, `there is no cgroup ${path}`);
    return found;
  }

  /** The cgroup at a path, with those on the way, made where they are not there. */
  create(path: string): Cgroup {
    let found = this.root;
    for (const name of path.split("/")) if (name !== "") found = found.children.get(name) ?? found.create(name);
    return found;
  }

  /** @internal */
  nextId(): bigint {
    return ++this.#lastId;
  }
}
