import { existsSync, mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import type { AttachType } from "@tsbpf/core/abi";
import type { Btf } from "@tsbpf/core/btf";
import type { Program, RawMap } from "@tsbpf/core/host";
import type { ObjectSpec } from "@tsbpf/core/spec";
import { deviceIndex } from "../attach/device.js";
import { type AttachPoint, attachProgram, detachProgram } from "../attach/program-attach.js";
import {
  type BtfDetails,
  bpfMounts,
  btfDetails,
  btfIds,
  type LinkDetails,
  linkDetails,
  linkIds,
  type MapDetails,
  mapDetails,
  mapIds,
  type ObjectKind,
  openPinned,
  type Pin,
  type ProgramDetails,
  type ProgramLayout,
  pins,
  programDetails,
  programIds,
  programLayout,
  tryOpenById,
} from "../inspect/index.js";
import {
  bpf,
  createMap,
  duplicate,
  FileDescriptor,
  type KernelMapInfo,
  lastErrno,
  libc,
  type MapCreate,
  mapInfo,
  objectInfo,
  syscallError,
} from "../sys/index.js";
import { readBtf } from "./attach-target.js";
import { KernelBtf } from "./kernel-btf.js";
import { KernelLoader } from "./kernel-loader.js";
import { Linux } from "./linux.js";
import { LinuxMap } from "./linux-map.js";
import { adoptProgram } from "./linux-program.js";
import { pinAt, pinPath } from "./pinning.js";

const BPFFS = "/sys/fs/bpf";

/** A handle of something in the kernel, whoever made it. Closing it leaves the thing as it is. */
abstract class LiveHandle<Details> {
  readonly id: number;
  readonly #fd: FileDescriptor;

  constructor(id: number, fd: FileDescriptor) {
    this.id = id;
    this.#fd = fd;
  }

  /** For calls that are made right now. @throws SyscallError EBADF after close. */
  get fd(): number {
    return this.#fd.number;
  }

  abstract details(): Details;

  /** BPF_OBJ_PIN, with the folders that are missing. @throws SyscallError */
  pin(path: string): void {
    pinAt(path, this.fd);
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A program that is loaded, by whomever. */
export class ProgramHandle extends LiveHandle<ProgramDetails> {
  #program: Program | undefined;

  details(): ProgramDetails {
    return programDetails(this.fd);
  }

  layout(): ProgramLayout {
    return programLayout(this.fd);
  }

  /** The program as hosts' methods take it; what it was loaded from is not known. It shares this handle's life. */
  get program(): Program {
    this.#program ??= adoptProgram(duplicate(this.fd, `program ${this.id}`).release());
    return this.#program;
  }

  override close(): void {
    this.#program?.close();
    super.close();
  }
}

/** A map, by whomever. */
export class MapHandle extends LiveHandle<MapDetails> {
  #raw: LinuxMap | undefined;

  /** `struct bpf_map_info` as this kernel has it; `size` in bytes is the struct's in the kernel's own types. */
  info(size: number): Uint8Array {
    return objectInfo(this.fd, size).bytes;
  }

  details(): MapDetails {
    return mapDetails(this.fd);
  }

  head(): KernelMapInfo {
    return mapInfo(this.fd);
  }

  get raw(): RawMap {
    this.#raw ??= new LinuxMap(duplicate(this.fd, `map ${this.id}`).release());
    return this.#raw;
  }

  override close(): void {
    this.#raw?.close();
    super.close();
  }
}

/** A link, by whomever. */
export class LinkHandle extends LiveHandle<LinkDetails> {
  details(): LinkDetails {
    return linkDetails(this.fd);
  }

  /** BPF_LINK_DETACH: detaches although others hold the link. Since 5.9. @throws SyscallError */
  detach(): void {
    bpf("BPF_LINK_DETACH", { link_fd: this.fd }, `${this.id}`);
  }
}

/** A BTF object. */
export class BtfHandle extends LiveHandle<BtfDetails> {
  details(): BtfDetails {
    return btfDetails(this.fd);
  }

  bytes(): Uint8Array {
    return readBtf(this.fd);
  }
}

/** Where a program is attached without a link. */
type KernelPlace =
  | { readonly map: MapHandle | { readonly id: number } }
  | { readonly cgroup: string }
  | { readonly device: string }
  | { readonly namespace: true };

function pointOf(place: KernelPlace): AttachPoint {
  if ("map" in place) return { mapFd: (place.map as MapHandle).fd };
  return "device" in place ? { device: deviceIndex(place.device) } : place;
}

/** Handles by kind. */
export interface LiveHandles {
  program: ProgramHandle;
  map: MapHandle;
  link: LinkHandle;
  btf: BtfHandle;
}

function mkdir(path: string): void {
  mkdirSync(path);
}

const ids = { program: programIds, map: mapIds, link: linkIds, btf: btfIds };
const handles = { program: ProgramHandle, map: MapHandle, link: LinkHandle, btf: BtfHandle };

/** Everything that is in the running kernel, whoever made it: what tools that look around work with. */
export class LiveKernel {
  readonly name = "kernel";
  /** A bpffs is a file system like any other, but for making files. */
  readonly folders = {
    exists: existsSync,
    makeFolder: mkdir,
    removeFolder: (path: string) => rmdirSync(path),
    unpin: unlinkSync,
  };
  readonly #open = new Set<{ close(): void }>();
  readonly #btf = new KernelBtf();

  /** Ids of all objects of a kind. @throws SyscallError EPERM without CAP_SYS_ADMIN */
  ids(kind: ObjectKind): Iterable<number> {
    return ids[kind]();
  }

  /** A handle by id; undefined where there is none (any more). */
  find<K extends ObjectKind>(kind: K, id: number): LiveHandles[K] | undefined {
    const fd = tryOpenById(kind, id);
    return fd === undefined ? undefined : this.#adopt(kind, id, fd);
  }

  /** A handle of what is pinned. @throws SyscallError ENOENT; BpfError `"PIN_KIND"` where it is of another kind */
  pinned<K extends Exclude<ObjectKind, "btf">>(kind: K, path: string): LiveHandles[K] {
    const { fd } = openPinned(path, kind);
    const id = { program: programDetails, map: mapDetails, link: linkDetails }[kind](fd.number).id;
    return this.#adopt(kind, id, fd);
  }

  pins(): Iterable<Pin> {
    return pins();
  }

  /** BPF_MAP_CREATE. @param map.inner A map like the inner maps of a map of maps. @throws SyscallError */
  createMap(map: Omit<MapCreate, "innerMapFd"> & { readonly inner?: object | undefined }): MapHandle {
    const { inner, ...create } = map;
    const innerMapFd = inner instanceof MapHandle ? inner.fd : undefined;
    const fd = new FileDescriptor(createMap({ ...create, innerMapFd }), `map '${create.name ?? ""}'`);
    return this.#adopt("map", mapInfo(fd.number).id, fd);
  }

  /** Mounts a bpffs at /sys/fs/bpf if that is where `path` leads and there is none yet. @throws SyscallError */
  mountFileSystem(path: string): void {
    if (!path.startsWith(`${BPFFS}/`) || bpfMounts().includes(BPFFS)) return;
    if (libc().mount("bpffs", BPFFS, "bpf", 0, "mode=0700") < 0) {
      throw syscallError(`mount of a bpffs at ${BPFFS}`, lastErrno());
    }
  }

  /** A host for what one command loads and attaches. */
  async loader(): Promise<KernelLoader> {
    return new KernelLoader(await Linux.open());
  }

  /** Where maps of `object` are pinned because they ask for it. */
  pinsByName(object: ObjectSpec): string[] {
    return [...object.maps].flatMap(([key, map]) => pinPath(map, key, object.name, BPFFS) ?? []);
  }

  /** BPF_PROG_ATTACH. @throws SyscallError */
  attach(program: ProgramHandle | { readonly id: number }, type: AttachType, place: KernelPlace, flags = 0): void {
    attachProgram((program as ProgramHandle).fd, type, pointOf(place), flags);
  }

  /** BPF_PROG_DETACH. @throws SyscallError */
  detach(program: ProgramHandle | { readonly id: number } | undefined, type: AttachType, place: KernelPlace): void {
    detachProgram((program as ProgramHandle | undefined)?.fd, type, pointOf(place));
  }

  vmlinux(): Btf {
    return this.#btf.vmlinux;
  }

  close(): void {
    for (const each of this.#open) each.close();
    this.#open.clear();
    this.#btf.close();
  }

  #adopt<K extends ObjectKind>(kind: K, id: number, fd: FileDescriptor): LiveHandles[K] {
    const handle = new (handles[kind] as new (id: number, fd: FileDescriptor) => LiveHandles[K])(id, fd);
    this.#open.add(handle);
    return handle;
  }
}
