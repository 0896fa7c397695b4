import { BpfError } from "@tsbpf/core/base";
import { BpfMap, chosenPrograms, LoadedParts, liveVariables, mapCodecs } from "@tsbpf/core/host";
import { applyCoreRelocations } from "@tsbpf/core/object";
import { type MapSpec, type ObjectSpec, type ProgramSpec, requireLittleEndian } from "@tsbpf/core/spec";
import { deviceIndex } from "../attach/device.js";
import { FileDescriptor, fdOf, loadBtf, syscallError } from "../sys/index.js";
import { type AttachTarget, attachTarget } from "./attach-target.js";
import { runningKconfig } from "./kconfig-data.js";
import type { KernelBtf } from "./kernel-btf.js";
import type { LinuxMap } from "./linux-map.js";
import type { LinuxProgram } from "./linux-program.js";
import type { LinuxLoadOptions } from "./load-options.js";
import { createLinuxMap, openOrPinMap } from "./map-loader.js";
import { arenaMemory } from "./mapped-memory.js";
import { type ObjectBtf, objectBtf } from "./object-btf.js";
import { pinPath, unpin } from "./pinning.js";
import { loadLinuxProgram, type ProgramParts } from "./program-loader.js";
import { resolveReferences } from "./references.js";
import { findInterface, StructOpsMap, structOpsMember, structOpsValue } from "./struct-ops.js";

const BPF_F_XDP_DEV_BOUND_ONLY = 1 << 6;
const DEFAULT_PIN_ROOT = "/sys/fs/bpf";

/**
 * One load of an object into the kernel, step by step. Whatever it has made until a step fails is undone by
 * {@link undo}.
 */
export class ObjectLoader {
  readonly #object: ObjectSpec;
  readonly #options: LinuxLoadOptions;
  readonly #kernel: KernelBtf;
  readonly #maps = new Map<string, BpfMap>();
  readonly #programs = new Map<string, LinuxProgram>();
  readonly #owned: { close(): void }[] = [];
  readonly #filled = new Set<string>();
  readonly #pins: string[] = [];
  #types: ObjectBtf | undefined;
  #btf: FileDescriptor | undefined;

  constructor(object: ObjectSpec, options: LinuxLoadOptions, kernel: KernelBtf) {
    this.#object = object;
    this.#options = options;
    this.#kernel = kernel;
  }

  load(): LoadedParts {
    try {
      requireLittleEndian(this.#object);
      this.#loadTypes();
      for (const [key, spec] of this.#object.maps) if (spec.autocreate) this.#makeMap(key, spec);
      for (const [key, spec] of this.#object.maps) this.#fill(key, spec);
      for (const [key, spec] of chosenPrograms(this.#object, this.#options))
        this.#programs.set(key, this.#loadProgram(spec));
      for (const [key, spec] of this.#object.maps) this.#fillWithPrograms(key, spec);
      return this.#finish();
    } catch (error) {
      this.#undo();
      throw error;
    } finally {
      // Maps and programs hold the BTF that they were loaded with.
      this.#btf?.close();
    }
  }

  #undo(): void {
    for (const path of this.#pins) unpin(path);
    for (const part of this.#owned.reverse()) part.close();
  }

  #loadTypes(): void {
    const types = objectBtf(this.#object);
    if (types === undefined) return;
    const { result, log } = loadBtf(types.bytes);
    if (result >= 0) {
      this.#types = types;
      this.#btf = new FileDescriptor(result, "the object's BTF");
    } else if (this.#needsTypes()) {
      throw syscallError(`BPF_BTF_LOAD of '${this.#object.name}'`, -result, { log, hint: lastLine(log) });
    }
  }

  /** Without types most objects load all the same; these do not. */
  #needsTypes(): boolean {
    for (const { type } of this.#object.maps.values()) {
      if (type === "struct_ops" || type.endsWith("_storage")) return true;
    }
    return false;
  }

  #makeMap(key: string, spec: MapSpec): void {
    const given = this.#options.maps?.[key];
    if (given !== undefined) {
      this.#maps.set(key, given);
      return;
    }
    const root = this.#options.pinRoot === undefined ? DEFAULT_PIN_ROOT : this.#options.pinRoot;
    const path = root === null ? undefined : pinPath(spec, key, this.#object.name, root);
    const target = spec.structOps === undefined ? undefined : findInterface(spec.structOps, this.#kernel);
    const { offloadTo } = this.#options;
    const device = offloadTo === undefined ? undefined : deviceIndex(offloadTo);
    const context = { btfFd: this.#btf?.number, interface: target, device };
    let map: LinuxMap;
    if (path === undefined) {
      map = createLinuxMap(spec, context);
    } else {
      const pinned = openOrPinMap(spec, path, context);
      map = pinned.map;
      if (pinned.reused) this.#filled.add(key);
      else this.#pins.push(path);
    }
    this.#owned.push(map);
    this.#maps.set(key, new BpfMap(map, mapCodecs(spec, this.#object.btf)));
  }

  #fill(key: string, spec: MapSpec): void {
    const map = this.#maps.get(key);
    if (map === undefined || this.#options.maps?.[key] !== undefined || this.#filled.has(key)) return;
    if (spec.dataSection === ".kconfig") {
      map.raw.update(new Uint8Array(4), runningKconfig(this.#object.kconfig, spec.valueSize, this.#object.btf));
    }
    if (spec.type === "struct_ops") return;
    if (spec.type === "arena") {
      fillArena(map, spec);
      return;
    }
    for (const { key: entry, value } of spec.contents) {
      if (value instanceof Uint8Array) map.raw.update(entry, value);
      else if ("map" in value) map.raw.updateReference(entry, this.#map(value.map));
    }
    if (spec.freeze) map.raw.freeze();
  }

  #fillWithPrograms(key: string, spec: MapSpec): void {
    if (this.#options.maps?.[key] !== undefined) return;
    if (spec.structOps !== undefined) {
      this.#fillStructOps(key, spec);
      return;
    }
    for (const { key: entry, value } of spec.contents) {
      if (value instanceof Uint8Array || !("program" in value)) continue;
      const program = this.#programs.get(value.program);
      // A program that was left out of this load leaves its slot empty.
      if (program !== undefined) this.#map(key).raw.updateReference(entry, program);
    }
  }

  #fillStructOps(key: string, spec: MapSpec): void {
    const map = this.#maps.get(key)?.raw;
    if (!(map instanceof StructOpsMap) || this.#object.btf === undefined) return;
    const names = new Set(spec.structOps!.functions.map(({ program }) => program));
    map.programs = [...names].flatMap((name) => this.#programs.get(name) ?? []);
    const target = findInterface(spec.structOps!, this.#kernel);
    map.value = structOpsValue(spec, target, this.#object.btf, (name) => this.#programs.get(name)?.fd);
  }

  #loadProgram(spec: ProgramSpec): LinuxProgram {
    const { insns } = this.#relocate(spec);
    const code = resolveReferences(spec, insns, (name) => fdOf(this.#map(name)), this.#kernel);
    const program = loadLinuxProgram(spec, {
      code,
      target: this.#target(spec),
      btfFd: this.#btf?.number,
      functions: this.#types?.functions(spec),
      lines: this.#types?.lines(spec),
      logLevel: this.#options.logLevel ?? 0,
      ...(spec.type === "xdp" ? this.#device() : {}),
    });
    this.#owned.push(program);
    return program;
  }

  /** The device that XDP programs are for, and in which sense. */
  #device(): Pick<ProgramParts, "device" | "deviceFlags"> {
    const { offloadTo, boundTo } = this.#options;
    if (offloadTo !== undefined) return { device: deviceIndex(offloadTo) };
    return boundTo === undefined ? {} : { device: deviceIndex(boundTo), deviceFlags: BPF_F_XDP_DEV_BOUND_ONLY };
  }

  #target(spec: ProgramSpec): AttachTarget {
    if (spec.type === "struct_ops") return structOpsMember(spec, this.#kernel);
    return attachTarget(spec, this.#kernel, this.#options.targets?.[spec.name]);
  }

  /** CO-RE: fields, types and enumerators as the running kernel has them. */
  #relocate(spec: ProgramSpec): ProgramSpec {
    const { btf } = this.#object;
    if (btf === undefined || spec.coreRelocations.length === 0) return spec;
    const kernel = this.#kernel;
    if (this.#options.kernelBtf !== undefined) return applyCoreRelocations(spec, btf, this.#options.kernelBtf);
    const graphs = {
      *[Symbol.iterator]() {
        yield kernel.vmlinux;
        for (const module of kernel.modules()) yield module.btf;
      },
    };
    return applyCoreRelocations(spec, btf, graphs);
  }

  #map(name: string): BpfMap {
    const map = this.#maps.get(name) ?? this.#options.maps?.[name];
    if (map === undefined)
      throw new BpfError("NO_SUCH_MAP", `the object refers to a map '${name}' that it does not create`, { name });
    return map;
  }

  #finish(): LoadedParts {
    const variables = liveVariables(this.#object, this.#maps);
    const parts = { maps: this.#maps, programs: this.#programs, variables };
    return new LoadedParts(this.#object.name, parts, this.#owned);
  }
}

/** An arena has no elements: its variables are written into its memory, which has to be mapped before programs load. */
function fillArena(map: BpfMap, spec: MapSpec): void {
  const { buffer } = arenaMemory(map);
  const initial = spec.contents[0]?.value;
  if (initial instanceof Uint8Array) new Uint8Array(buffer).set(initial);
}

function lastLine(log: string): string {
  return log.trimEnd().split("\n").at(-1) ?? "";
}
