import type { Btf } from "@tsbpf/core";
import type { Program, RawMap } from "@tsbpf/core/host";
import type { BtfDetails, LinkDetails, MapDetails, ObjectKind, Pin, ProgramDetails, ProgramLayout } from "@tsbpf/linux";

/** A live object that a verb has been given a handle of. Closing it changes nothing about the object. */
export interface LiveObject<Details> {
  readonly id: number;
  details(): Details;
  /** Makes `path`, in a BPF file system, another holder of the object. */
  pin(path: string): void;
  close(): void;
}

export interface LiveProgram extends LiveObject<ProgramDetails> {
  /** Its code, functions and lines. */
  layout(): ProgramLayout;
  /** As the host's own methods of attaching and running take it. */
  readonly program: Program;
}

export interface LiveMap extends LiveObject<MapDetails> {
  readonly raw: RawMap;
}

export interface LiveLink extends LiveObject<LinkDetails> {
  detach(): void;
}

export interface LiveBtf extends Omit<LiveObject<BtfDetails>, "pin"> {
  bytes(): Uint8Array;
}

export interface LiveObjects {
  program: LiveProgram;
  map: LiveMap;
  link: LiveLink;
  btf: LiveBtf;
}

/** A map to create, in the kernel's numbers. */
export interface NewMap {
  readonly type: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** What the inner maps of a map of maps are like. */
  readonly inner?: LiveMap | undefined;
}

/**
 * Where live objects are: what the verbs in bpftool's grammar need of a host. The running kernel is one; whoever
 * implements this for another host gives that host these verbs.
 */
export interface LiveHost {
  readonly name: "kernel" | "machine";
  /** Ids of all objects of a kind, in rising order. */
  ids(kind: ObjectKind): Iterable<number>;
  /** A handle, or undefined where there is no object with this id (any more). */
  find<K extends ObjectKind>(kind: K, id: number): LiveObjects[K] | undefined;
  /** What is pinned at `path`. @throws SyscallError where nothing is, BpfError where it is of another kind. */
  pinned<K extends Exclude<ObjectKind, "btf">>(kind: K, path: string): LiveObjects[K];
  pins(): Iterable<Pin>;
  /** @throws SyscallError with the errno of BPF_MAP_CREATE */
  createMap(map: NewMap): LiveMap;
  /** Mounts a bpffs where `path` is to be pinned, if none is there and the place is the usual one. */
  mountFileSystem(path: string): void;
  /** The host's own types. */
  vmlinux(): Btf;
  close(): void;
}
