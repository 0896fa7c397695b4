import { EEXIST, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTEMPTY, EPERM } from "../abi/index.js";
import { failure } from "./failure.js";

/** Something that can be pinned: a program, a map or a link. */
export interface Pinnable {
  readonly kind: "prog" | "map" | "link";
  readonly id: number;
  /** A pin holds it. */
  hold(): void;
  /** The pin is gone. */
  release(): void;
}

/** What a name of a folder stands for. */
export interface PinEntry {
  readonly name: string;
  readonly kind: Pinnable["kind"] | "directory";
  /** The object's; 0 for a directory. */
  readonly id: number;
}

class Directory {
  readonly entries = new Map<string, Directory | Pinnable>();
}

type Node = Directory | Pinnable;
const NAME_MAX = 255;
const PATH_MAX = 4096;

/**
 * A file system of pins (bpffs): objects live while they have a name in it. Paths start at its root, wherever a kernel
 * would have it mounted: `/filters/ddos`.
 */
export class BpfFilesystem<Object extends Pinnable = Pinnable> {
  readonly #root = new Directory();
  #pins = 0;

  /** Pins that there are. */
  get pins(): number {
    return this.#pins;
  }

  /** @throws SyscallError EEXIST, ENOENT for a directory that is missing, ENOTDIR, EPERM for a name with a dot, ENAMETOOLONG. */
  pin(path: string, object: Object): void {
    const { directory, name } = this.#place("BPF_OBJ_PIN", path);
    if (directory.entries.has(name)) throw failure("BPF_OBJ_PIN", EEXIST, `there is something at ${path}`);
    directory.entries.set(name, object);
    this.#pins++;
    object.hold();
  }

  /** What is pinned there. @throws SyscallError ENOENT, ENOTDIR, EISDIR */
  get(path: string): Object {
    const node = this.#node("BPF_OBJ_GET", path);
    if (node instanceof Directory) throw failure("BPF_OBJ_GET", EISDIR, `${path} is a directory`);
    return node as Object;
  }

  /** Takes a pin away. @throws SyscallError ENOENT, ENOTDIR, EISDIR */
  unlink(path: string): void {
    const { directory, name } = this.#place("unlink", path);
    const node = directory.entries.get(name);
    if (node === undefined) throw failure("unlink", ENOENT, `there is nothing at ${path}`);
    if (node instanceof Directory) throw failure("unlink", EISDIR, `${path} is a directory`);
    directory.entries.delete(name);
    this.#drop(node);
  }

  /** @throws SyscallError as {@link pin} */
  mkdir(path: string): void {
    const { directory, name } = this.#place("mkdir", path);
    if (directory.entries.has(name)) throw failure("mkdir", EEXIST, `there is something at ${path}`);
    directory.entries.set(name, new Directory());
  }

  /** @throws SyscallError ENOENT, ENOTDIR, ENOTEMPTY */
  rmdir(path: string): void {
    const { directory, name } = this.#place("rmdir", path);
    const node = directory.entries.get(name);
    if (node === undefined) throw failure("rmdir", ENOENT, `there is nothing at ${path}`);
    if (!(node instanceof Directory)) throw failure("rmdir", ENOTDIR, `${path} is no directory`);
    if (node.entries.size > 0) throw failure("rmdir", ENOTEMPTY, `${path} is not empty`);
    directory.entries.delete(name);
  }

  /** Gives something another name, in place of what has it. @throws SyscallError ENOENT, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL, EPERM */
  rename(from: string, to: string): void {
    const source = this.#place("rename", from);
    const target = this.#place("rename", to);
    const node = source.directory.entries.get(source.name);
    if (node === undefined) throw failure("rename", ENOENT, `there is nothing at ${from}`);
    const before = target.directory.entries.get(target.name);
    if (before === node) return;
    if (node instanceof Directory && this.#contains(node, target.directory))
      throw failure("rename", EINVAL, `${to} is inside of ${from}`);
    if (before !== undefined) checkReplaceable(node, before, to);
    source.directory.entries.delete(source.name);
    target.directory.entries.set(target.name, node);
    if (before !== undefined && !(before instanceof Directory)) this.#drop(before);
  }

  /** What is in a directory, by name. @throws SyscallError ENOENT, ENOTDIR */
  list(path = "/"): PinEntry[] {
    const node = this.#node("readdir", path);
    if (!(node instanceof Directory)) throw failure("readdir", ENOTDIR, `${path} is no directory`);
    const entries = [...node.entries].map(([name, each]): PinEntry => {
      return each instanceof Directory ? { name, kind: "directory", id: 0 } : { name, kind: each.kind, id: each.id };
    });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Takes every pin away. */
  clear(): void {
    const pending = [this.#root];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      for (const node of directory.entries.values()) {
        if (node instanceof Directory) pending.push(node);
        else this.#drop(node);
      }
      directory.entries.clear();
    }
  }

  #drop(object: Pinnable): void {
    this.#pins--;
    object.release();
  }

  #contains(directory: Directory, wanted: Directory): boolean {
    const pending = [directory];
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      if (each === wanted) return true;
      for (const node of each.entries.values()) if (node instanceof Directory) pending.push(node);
    }
    return false;
  }

  #node(command: string, path: string): Node {
    let node: Node = this.#root;
    for (const name of namesOf(command, path)) {
      if (!(node instanceof Directory)) throw failure(command, ENOTDIR, `${path} leads through what is no directory`);
      const next: Node | undefined = node.entries.get(name);
      if (next === undefined) throw failure(command, ENOENT, `there is nothing at ${path}`);
      node = next;
    }
    return node;
  }

  /** The directory that a new name goes into. */
  #place(command: string, path: string): { directory: Directory; name: string } {
    const names = namesOf(command, path);
    const name = names.pop();
    if (name === undefined) throw failure(command, EEXIST, "it is the root");
    // Names with dots are reserved, as in the kernel.
    if (name.includes(".")) throw failure(command, EPERM, `a name has no dot: ${name}`);
    const directory = this.#node(command, `/${names.join("/")}`);
    if (!(directory instanceof Directory))
      throw failure(command, ENOTDIR, `${path} leads through what is no directory`);
    return { directory, name };
  }
}

function namesOf(command: string, path: string): string[] {
  if (path.length >= PATH_MAX) throw failure(command, ENAMETOOLONG, "the path is too long");
  if (!path.startsWith("/")) throw failure(command, ENOENT, `a path starts with a slash: '${path}'`);
  const names = path.split("/").filter((name) => name.length > 0 && name !== ".");
  if (names.some((name) => name.length > NAME_MAX)) throw failure(command, ENAMETOOLONG, "a name is too long");
  return names;
}

function checkReplaceable(node: Node, before: Node, to: string): void {
  if (before instanceof Directory) {
    if (!(node instanceof Directory)) throw failure("rename", EISDIR, `${to} is a directory`);
    if (before.entries.size > 0) throw failure("rename", ENOTEMPTY, `${to} is not empty`);
  } else if (node instanceof Directory) throw failure("rename", ENOTDIR, `${to} is no directory`);
}
