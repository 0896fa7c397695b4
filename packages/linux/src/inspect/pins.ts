import { type Dirent, opendirSync, readFileSync } from "node:fs";
import { BpfCall, FileDescriptor, objectInfo } from "../sys/index.js";
import { kindOfFd, type ObjectKind } from "./open.js";

/** A pin and what it holds. */
export interface Pin {
  readonly path: string;
  readonly kind: ObjectKind;
  readonly id: number;
}

/** Where BPF file systems are mounted, in the calling thread's mount namespace. */
export function bpfMounts(): string[] {
  return readFileSync("/proc/thread-self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "bpf")
    .map(([, path]) => path!.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))));
}

/** Everything that is pinned in any BPF file system, in the order of the folders. What cannot be opened is left out. */
export function* pins(): IterableIterator<Pin> {
  for (const mount of new Set(bpfMounts())) yield* pinsUnder(mount);
}

function* pinsUnder(folder: string): IterableIterator<Pin> {
  for (const entry of entriesOf(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* pinsUnder(path);
    else if (entry.isFile()) {
      const pin = readPin(path);
      if (pin !== undefined) yield pin;
    }
  }
}

/** Unsorted: the kernel's order. */
function entriesOf(folder: string): Dirent[] {
  const entries: Dirent[] = [];
  try {
    const directory = opendirSync(folder);
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) entries.push(entry);
    directory.closeSync();
  } catch {
    // Gone, or not ours to read.
  }
  return entries;
}

function readPin(path: string): Pin | undefined {
  const result = new BpfCall("BPF_OBJ_GET", { pathname: path }).try();
  if (result < 0) return undefined;
  using fd = new FileDescriptor(result, path);
  const kind = kindOfFd(fd.number);
  if (kind === undefined || kind === "btf") return undefined;
  // The id is the second word of each kind's info.
  return { path, kind, id: objectInfo(fd.number, 64).view.getUint32(4, true) };
}
