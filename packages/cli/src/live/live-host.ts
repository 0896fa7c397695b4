import type { AttachType } from "@tsbpf/core/abi";
import type { Btf } from "@tsbpf/core/btf";
import type { BpfMap, Host, LoadedObject, LoadOptions, Program, RawMap } from "@tsbpf/core/host";
import type { LineRecord, ObjectSpec } from "@tsbpf/core/spec";
import type {
  BtfDetails,
  KernelMapInfo,
  LineInfoRecord,
  LinkDetails,
  MapDetails,
  ObjectKind,
  Pin,
  ProgramDetails,
  ProgramLayout,
} from "@tsbpf/linux";

/** A live object that a verb has been given a handle of. Closing it changes nothing about the object. */
export interface LiveObject<Details> {
  readonly id: number;
  details(): Details;
  /** Makes `path`, in a BPF file system, another holder of the object. */
  pin(path: string): void;
  close(): void;
}

/** A program's code, functions and lines. The kernel's lines name strings in its BTF, others hold their text. */
export interface LiveLayout extends Omit<ProgramLayout, "lines"> {
  readonly lines: readonly (LineInfoRecord | LineRecord)[];
}

export interface LiveProgram extends LiveObject<ProgramDetails> {
  layout(): LiveLayout;
  /** For calls that are made right now. */
  readonly fd: number;
  /** As the host's own methods of attaching and running take it. */
  readonly program: Program;
}

export interface LiveMap extends LiveObject<MapDetails> {
  /** What {@link LiveObject.details} begins with, for a fraction of its time. */
  head(): KernelMapInfo;
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

/** What can be given a name that outlives this process. */
export interface Pinnable {
  pin(path: string): void;
}

/** Loads objects for the time of one command: what it made and nobody pinned goes when it is closed. */
export interface Loader extends Pick<Host, "close"> {
  load(spec: ObjectSpec, options: LoadOptions & { readonly kernelBtf?: Btf | undefined }): Promise<LoadedObject>;
  /** How a program or a map of what was loaded is pinned. */
  pinnable(part: Program | RawMap): Pinnable;
  /** Attaches a program that says itself what to; undefined for one that doesn't. */
  attachByItself(program: Program): Pinnable | undefined;
  /** Makes an iterator of a program; with a map, over the map's elements. */
  attachIterator(program: Program, map: BpfMap | undefined): Pinnable;
}

/** Where pins are: folders and names in a BPF file system. */
export interface PinFolders {
  exists(path: string): boolean;
  /** @throws where the folder above is missing */
  makeFolder(path: string): void;
  /** @throws where it is not empty, or not there */
  removeFolder(path: string): void;
  unpin(path: string): void;
}

/** A device of a network namespace. */
export interface LiveDevice {
  readonly name: string;
  readonly index: number;
}

/** A program at a tc hook of a device. */
export interface LiveFilter {
  /** `clsact/ingress`, `tcx/egress` ... */
  readonly kind: string;
  readonly name: string;
  readonly programId: number;
  readonly linkId?: number | undefined;
}

/** How an XDP program is to sit on its device. */
export type XdpPlacement = "xdp" | "xdpgeneric" | "xdpdrv" | "xdpoffload";

/** The network stack of a host. */
export interface LiveNetwork {
  /** By index. */
  devices(): LiveDevice[];
  xdp(device: LiveDevice): { readonly mode: string; readonly programId: number }[];
  filters(device: LiveDevice): LiveFilter[];
  /** Programs that dissect flows. */
  dissectors(): number[];
  /** @throws SyscallError */
  attachXdp(program: LiveProgram, device: string, placement: XdpPlacement, overwrite: boolean): void;
  detachXdp(device: string, placement: XdpPlacement): void;
  /** Has a device receive the packets of a capture file; how many they were. Absent where devices are real. */
  replay?(capture: Uint8Array, device: string): number;
}

/** What programs print with bpf_trace_printk(). */
export interface TraceSource {
  /** The result ends it. */
  listen(listener: (text: string) => void): () => void;
}

/** Where a program is attached without a link: until somebody detaches it. */
export type Place =
  | { readonly map: LiveMap }
  | { readonly cgroup: string }
  /** A device by its name, for tcx. */
  | { readonly device: string }
  /** This network namespace. */
  | { readonly namespace: true };

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
  readonly folders: PinFolders;
  /** @throws SyscallError with the errno of BPF_MAP_CREATE */
  createMap(map: NewMap): LiveMap;
  /** Mounts a bpffs where `path` is to be pinned, if none is there and the place is the usual one. */
  mountFileSystem(path: string): void;
  /** Where this host hands out what programs print; undefined where that is read from a file of the kernel's. */
  readonly trace?: TraceSource | undefined;
  /** Its network stack; undefined where that is the running kernel's. */
  readonly network?: LiveNetwork | undefined;
  /** When its clock began, in seconds of the epoch; undefined where that is when the running kernel was booted. */
  readonly bootedAt?: number | undefined;
  /** The host's own types. */
  vmlinux(): Btf;
  loader(): Promise<Loader>;
  /** Where maps of the object would be pinned because they ask for it (LIBBPF_PIN_BY_NAME and iproute2's ways). */
  pinsByName(object: ObjectSpec): string[];
  /** @param flags BPF_F_ALLOW_OVERRIDE (1), BPF_F_ALLOW_MULTI (2), BPF_F_BEFORE (8). @throws SyscallError */
  attach(program: LiveProgram, type: AttachType, place: Place, flags?: number): void;
  /** @throws SyscallError ENOENT where it is not attached there */
  detach(program: LiveProgram | undefined, type: AttachType, place: Place): void;
  close(): void;
}
