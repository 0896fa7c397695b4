import { type AttachType, mapTypeName } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import type { Btf } from "@tsbpf/core/btf";
import type { BpfMap, LoadedObject, Program, RawMap } from "@tsbpf/core/host";
import { type Machine, type MachineLink, type MachineMap, MachineProgram } from "@tsbpf/core/machine";
import { createMap, type ObjectSpec } from "@tsbpf/core/spec";
import type { ObjectKind, Pin } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type {
  LiveHost,
  LiveMap,
  LiveObjects,
  LiveProgram,
  Loader,
  NewMap,
  PinFolders,
  Pinnable,
  Place,
} from "./live-host.js";
import type { MachineAttachments } from "./machine-attachments.js";
import { MachineBtfHandle, MachineLinkHandle, MachineMapHandle, MachineProgramHandle } from "./machine-handles.js";
import { MachineNetwork } from "./machine-network.js";
import { BPFFS, kindAt, machinePath } from "./machine-path.js";
import type { TraceHub } from "./trace-hub.js";

/**
 * A Machine as the verbs in bpftool's grammar see it. Its file system of pins is at /sys/fs/bpf, and devices outside of
 * the first namespace are `NAMESPACE/DEVICE`.
 */
export class LiveMachine implements LiveHost {
  readonly name = "machine";
  readonly machine: Machine;
  readonly folders: PinFolders;
  readonly attachments: MachineAttachments;
  readonly trace: TraceHub;
  readonly network: MachineNetwork;
  readonly bootedAt = performance.timeOrigin / 1000;
  readonly #open = new Set<{ close(): void }>();

  constructor(machine: Machine, attachments: MachineAttachments, trace: TraceHub) {
    this.machine = machine;
    this.attachments = attachments;
    this.trace = trace;
    this.network = new MachineNetwork(attachments);
    const { bpffs } = machine;
    this.folders = {
      exists: (path) => kindAt(machine, machinePath(path)) !== undefined,
      makeFolder: (path) => bpffs.mkdir(machinePath(path)),
      removeFolder: (path) => bpffs.rmdir(machinePath(path)),
      unpin: (path) => bpffs.unlink(machinePath(path)),
    };
  }

  ids(kind: ObjectKind): Iterable<number> {
    const { programIds, mapIds, linkIds, btfIds } = this.machine;
    return { program: programIds, map: mapIds, link: linkIds, btf: btfIds }[kind];
  }

  find<K extends ObjectKind>(kind: K, id: number): LiveObjects[K] | undefined {
    if (![...this.ids(kind)].includes(id)) return undefined;
    return this.#finders[kind](id) as LiveObjects[K];
  }

  pinned<K extends Exclude<ObjectKind, "btf">>(kind: K, path: string): LiveObjects[K] {
    const pinned = this.machine.bpffs.get(machinePath(path));
    const found = pinned.kind === "prog" ? "program" : pinned.kind;
    if (found !== kind) throw new BpfError("PIN_KIND", `a ${found} is pinned at ${path}, not a ${kind}`);
    return this.find(kind, pinned.id)!;
  }

  *pins(): Iterable<Pin> {
    yield* this.#pinsUnder("");
  }

  createMap(map: NewMap): LiveMap {
    const type = mapTypeName(map.type);
    if (type === undefined) throw new CommandError(`the Machine knows no map type ${map.type}`);
    const inner = map.inner === undefined ? undefined : this.machine.mapById(map.inner.id);
    const { name, keySize, valueSize, maxEntries, flags } = map;
    const innerSpec = inner === undefined ? undefined : (inner.raw as MachineMap).spec;
    const spec = createMap({ name, type, keySize, valueSize, maxEntries, flags, inner: innerSpec });
    try {
      return this.#adopt(new MachineMapHandle(this.machine, this.machine.createMap(spec)));
    } finally {
      inner?.close();
    }
  }

  mountFileSystem(path: string): void {
    // It is there; but the path has to be in it.
    machinePath(path);
  }

  vmlinux(): Btf {
    const { types } = this.machine.kernel;
    if (types === undefined) throw new CommandError("the Machine that is up has no kernel types");
    return types;
  }

  async loader(): Promise<Loader> {
    return this.#adopt(new MachineLoader(this.machine));
  }

  pinsByName(object: ObjectSpec): string[] {
    return [...object.maps].flatMap(([key, { pinning }]) => (pinning === "none" ? [] : `${BPFFS}/${key}`));
  }

  attach(program: LiveProgram, type: AttachType, place: Place, flags = 0): void {
    this.attachments.attach((program as MachineProgramHandle).program, type, place, flags);
  }

  detach(program: LiveProgram | undefined, type: AttachType, place: Place): void {
    this.attachments.detach(program?.id, type, place);
  }

  /** Gives up the handles of one command. The Machine stays. */
  close(): void {
    for (const each of [...this.#open].reverse()) each.close();
    this.#open.clear();
  }

  readonly #finders: { readonly [K in ObjectKind]: (id: number) => LiveObjects[K] } = {
    program: (id) => this.#adopt(new MachineProgramHandle(this.machine, this.machine.programById(id))),
    map: (id) => this.#adopt(new MachineMapHandle(this.machine, this.machine.mapById(id))),
    link: (id) => {
      const link = this.machine.linkById(id);
      const name = this.attachments.devices().find(([, device]) => device === link.place?.device)?.[0];
      return this.#adopt(new MachineLinkHandle(this.machine, link, name));
    },
    btf: (id) => new MachineBtfHandle(id, this.machine.btfById(id)),
  };

  #adopt<T extends { close(): void }>(handle: T): T {
    this.#open.add(handle);
    return handle;
  }

  *#pinsUnder(folder: string): Iterable<Pin> {
    for (const { name, kind, id } of this.machine.bpffs.list(folder === "" ? "/" : folder)) {
      const path = `${folder}/${name}`;
      if (kind === "directory") yield* this.#pinsUnder(path);
      else yield { path: `${BPFFS}${path}`, kind: kind === "prog" ? "program" : kind, id };
    }
  }
}

/** How programs that name their target are attached to it, by type. */
const ways: Readonly<Record<string, (machine: Machine, program: Program) => MachineLink>> = {
  tracepoint: (machine, program) => machine.attachTracepoint(program),
  raw_tracepoint: (machine, program) => machine.attachRawTracepoint(program),
  raw_tracepoint_writable: (machine, program) => machine.attachRawTracepoint(program),
  kprobe: (machine, program) => machine.attachKprobe(program),
  lsm: (machine, program) => machine.attachRawTracepoint(program),
  tracing: (machine, program) =>
    program.spec.attachType === "trace_iter" ? machine.attachIterator(program) : machine.attachRawTracepoint(program),
};

class MachineLoader implements Loader {
  readonly #machine: Machine;
  readonly #made: { close(): void }[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  async load(spec: ObjectSpec, options: Parameters<Loader["load"]>[1]): Promise<LoadedObject> {
    const { kernelBtf, ...rest } = options;
    const loaded = await this.#machine.load(spec, { ...rest, ...(kernelBtf && { targetBtf: kernelBtf }) });
    this.#made.push(loaded);
    return loaded;
  }

  pinnable(part: Program | RawMap): Pinnable {
    if (part instanceof MachineProgram) return { pin: (path) => this.#machine.pin(machinePath(path), part) };
    const map = part as MachineMap;
    return {
      pin: (path) => {
        const handle = this.#machine.mapById(map.info.id);
        this.#machine.pin(machinePath(path), handle);
        handle.close();
      },
    };
  }

  attachByItself(program: Program): Pinnable | undefined {
    const { attachTo } = program.spec;
    return attachTo ? this.#pinnableLink(ways[program.type]?.(this.#machine, program)) : undefined;
  }

  attachIterator(program: Program, map: BpfMap | undefined): Pinnable {
    return this.#pinnableLink(this.#machine.attachIterator(program, map === undefined ? {} : { map }))!;
  }

  close(): void {
    for (const each of this.#made.splice(0).reverse()) each.close();
  }

  #pinnableLink(link: MachineLink | undefined): Pinnable | undefined {
    if (link === undefined) return undefined;
    this.#made.push(link);
    return { pin: (path) => this.#machine.pin(machinePath(path), link) };
  }
}
