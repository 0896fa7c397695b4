import { EACCES, EEXIST, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTEMPTY, EPERM } from "../abi/index.js";
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

/** Who has what is there, and what it and others may do with it. */
export interface PinStatus {
  readonly kind: PinEntry["kind"];
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, with the sticky bit. */
  readonly mode: number;
}

/** Who asks. User 0 passes every check. */
export interface FileUser {
  readonly uid: number;
  readonly gid: number;
}

class Directory {
  readonly entries = new Map<string, Directory | Pin>();
  uid: number;
  gid: number;
  mode: number;

  constructor({ uid, gid }: FileUser, mode: number) {
    this.uid = uid;
    this.gid = gid;
    this.mode = mode;
  }
}

class Pin {
  readonly object: Pinnable;
  uid: number;
  gid: number;
  mode = PIN_MODE;

  constructor(object: Pinnable, { uid, gid }: FileUser) {
    this.object = object;
    this.uid = uid;
    this.gid = gid;
  }
}

type Node = Directory | Pin;
const READ = 4;
const WRITE = 2;
const EXECUTE = 1;
const STICKY = 0o1000;
const PIN_MODE = 0o600;
const MODE_MASK = 0o7777;
const NAME_MAX = 255;
const PATH_MAX = 4096;

/**
 * A file system of pins (bpffs): objects live while they have a name in it. Paths start at its root, wherever a kernel
 * would have it mounted: `/filters/ddos`. Every method throws SyscallError EACCES where the user lacks a permission: to
 * pass a directory, to change it, to open a pin (which takes reading and writing); EPERM for another's entry of a sticky
 * directory, which the root is.
 */
export class BpfFilesystem<Object extends Pinnable = Pinnable> {
  readonly #root = new Directory({ uid: 0, gid: 0 }, STICKY | 0o777);
  readonly #user: () => FileUser;
  #pins = 0;

  /** @param user who asks, now; root unless told. */
  constructor(user: () => FileUser = () => ({ uid: 0, gid: 0 })) {
    this.#user = user;
  }

  /** Pins that there are. */
  get pins(): number {
    return this.#pins;
  }

  /** @throws SyscallError EEXIST, ENOENT for a directory that is missing, ENOTDIR, EPERM for a name with a dot, ENAMETOOLONG. */
  pin(path: string, object: Object): void {
    const { directory, name } = this.#place("BPF_OBJ_PIN", path);
    if (directory.entries.has(name)) throw failure("BPF_OBJ_PIN", EEXIST, `there is something at ${path}`);
    this.#require("BPF_OBJ_PIN", directory, WRITE | EXECUTE);
    directory.entries.set(name, new Pin(object, this.#user()));
    this.#pins++;
    object.hold();
  }

  /** What is pinned there. @throws SyscallError ENOENT, ENOTDIR, EISDIR */
  get(path: string): Object {
    const node = this.#node("BPF_OBJ_GET", path);
    if (node instanceof Directory) throw failure("BPF_OBJ_GET", EISDIR, `${path} is a directory`);
    this.#require("BPF_OBJ_GET", node, READ | WRITE);
    return node.object as Object;
  }

  /** Takes a pin away. @throws SyscallError ENOENT, ENOTDIR, EISDIR */
  unlink(path: string): void {
    const { directory, name } = this.#place("unlink", path);
    const node = directory.entries.get(name);
    if (node === undefined) throw failure("unlink", ENOENT, `there is nothing at ${path}`);
    this.#requireChange("unlink", directory, node);
    if (node instanceof Directory) throw failure("unlink", EISDIR, `${path} is a directory`);
    directory.entries.delete(name);
    this.#drop(node);
  }

  /** @throws SyscallError as {@link pin} */
  mkdir(path: string, mode = 0o755): void {
    const { directory, name } = this.#place("mkdir", path);
    if (directory.entries.has(name)) throw failure("mkdir", EEXIST, `there is something at ${path}`);
    this.#require("mkdir", directory, WRITE | EXECUTE);
    directory.entries.set(name, new Directory(this.#user(), mode & MODE_MASK));
  }

  /** @throws SyscallError ENOENT, ENOTDIR, ENOTEMPTY */
  rmdir(path: string): void {
    const { directory, name } = this.#place("rmdir", path);
    const node = directory.entries.get(name);
    if (node === undefined) throw failure("rmdir", ENOENT, `there is nothing at ${path}`);
    this.#requireChange("rmdir", directory, node);
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
    this.#requireChange("rename", source.directory, node);
    const before = target.directory.entries.get(target.name);
    if (before === undefined) this.#require("rename", target.directory, WRITE | EXECUTE);
    else this.#requireChange("rename", target.directory, before);
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
    this.#require("readdir", node, READ);
    const entries = [...node.entries].map(([name, each]): PinEntry => {
      if (each instanceof Directory) return { name, kind: "directory", id: 0 };
      return { name, kind: each.object.kind, id: each.object.id };
    });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws SyscallError ENOENT, ENOTDIR */
  stat(path: string): PinStatus {
    const node = this.#node("stat", path);
    const { uid, gid, mode } = node;
    return { kind: node instanceof Directory ? "directory" : node.object.kind, uid, gid, mode };
  }

  /** @throws SyscallError ENOENT, ENOTDIR, EPERM for what is another's. */
  chmod(path: string, mode: number): void {
    const node = this.#node("chmod", path);
    const { uid } = this.#user();
    if (uid !== 0 && uid !== node.uid) throw failure("chmod", EPERM, `${path} is another's`);
    node.mode = mode & MODE_MASK;
  }

  /** @throws SyscallError ENOENT, ENOTDIR, EPERM for anybody but root. */
  chown(path: string, uid: number, gid: number): void {
    const node = this.#node("chown", path);
    if (this.#user().uid !== 0) throw failure("chown", EPERM, "only root gives away");
    node.uid = uid;
    node.gid = gid;
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

  #drop({ object }: Pin): void {
    this.#pins--;
    object.release();
  }

  /** @throws SyscallError EACCES */
  #require(command: string, node: Node, permissions: number): void {
    const { uid, gid } = this.#user();
    if (uid === 0) return;
    const shift = uid === node.uid ? 6 : gid === node.gid ? 3 : 0;
    if (((node.mode >>> shift) & permissions) !== permissions)
      throw failure(command, EACCES, `user ${uid} may not (mode ${node.mode.toString(8)} of user ${node.uid})`);
  }

  /** May an entry be taken out of its directory? @throws SyscallError EACCES, EPERM */
  #requireChange(command: string, directory: Directory, node: Node): void {
    this.#require(command, directory, WRITE | EXECUTE);
    const { uid } = this.#user();
    const owner = uid === 0 || uid === node.uid || uid === directory.uid;
    if ((directory.mode & STICKY) !== 0 && !owner)
      throw failure(command, EPERM, "it is another's, in a sticky directory");
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
      this.#require(command, node, EXECUTE);
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
