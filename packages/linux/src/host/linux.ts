import { NotSupportedError } from "@tsbpf/core/base";
import { BpfMap, type Host, type LoadedObject, mapCodecs, type ObjectShape, type Program } from "@tsbpf/core/host";
import { createObject, type MapSpec, type ObjectSpec, type ProgramSpec } from "@tsbpf/core/spec";
import { kernelProblem } from "../availability.js";
import { openPinned } from "../inspect/open.js";
import { BpfToken, bpf, possibleCpus, useToken, withCapabilities } from "../sys/index.js";
import { Closables } from "./closables.js";
import { KernelBtf } from "./kernel-btf.js";
import { KernelHooks } from "./kernel-hooks.js";
import { LinuxMap } from "./linux-map.js";
import { adoptProgram, type LinuxProgram } from "./linux-program.js";
import type { LinuxLoadOptions } from "./load-options.js";
import { createLinuxMap } from "./map-loader.js";
import { mapTypes } from "./map-types.js";
import { ObjectLoader } from "./object-loader.js";

/**
 * The running Linux kernel as a host, through bpf(2).
 *
 *     using host = await Linux.open();
 *     using object = await host.load(readObject(bytes));
 */
export class Linux extends KernelHooks implements Host {
  readonly kind = "linux";
  readonly #open = new Closables();
  readonly #kernel = new KernelBtf();

  private constructor() {
    super();
  }

  /**
   * @param options.token The mount point of a bpffs that delegates rights to this user namespace, or a token made of it.
   * It is used for the whole process from then on. Since 6.9.
   * @throws NotSupportedError saying what is in the way, where this process cannot use bpf(2); SyscallError for a token.
   */
  static async open(options: { readonly token?: string | BpfToken | undefined } = {}): Promise<Linux> {
    const { token } = options;
    if (token !== undefined) useToken(typeof token === "string" ? BpfToken.create(token) : token);
    const problem = kernelProblem();
    if (problem !== undefined) throw new NotSupportedError("bpf(2)", problem);
    return new Linux();
  }

  get cpus(): number {
    return possibleCpus();
  }

  async load<Shape extends ObjectShape = ObjectShape>(
    spec: ObjectSpec,
    options: LinuxLoadOptions = {},
  ): Promise<LoadedObject<Shape>> {
    const load = () => new ObjectLoader(spec, options, this.#kernel).load();
    const { capabilities } = options;
    const object = capabilities === undefined ? load() : withCapabilities(capabilities, load);
    return this.#open.add(object) as unknown as LoadedObject<Shape>;
  }

  async loadProgram(spec: ProgramSpec, options: Omit<LinuxLoadOptions, "programs"> = {}): Promise<Program> {
    const object = createObject({ programs: [spec] });
    const loaded = new ObjectLoader(object, { ...options, programs: [spec.name] }, this.#kernel).load();
    return this.#open.add(loaded.program(spec.name));
  }

  createMap(spec: MapSpec): BpfMap {
    return new BpfMap(this.#open.add(createLinuxMap(spec)), mapCodecs(spec, undefined));
  }

  /**
   * A map that is pinned in a bpffs, with its types where the kernel has them.
   *
   * @throws SyscallError ENOENT where nothing is pinned; BpfError `"PIN_KIND"` where it is no map.
   */
  openMap(path: string): BpfMap {
    return this.#adopt(openPinned(path, "map").fd.release());
  }

  /** The map with this id. @throws SyscallError ENOENT */
  mapById(id: number): BpfMap {
    return this.#adopt(bpf("BPF_MAP_GET_FD_BY_ID", { map_id: id }, `${id}`));
  }

  /**
   * A program that is pinned in a bpffs. Its spec has the instructions that the kernel shows.
   *
   * @throws SyscallError ENOENT where nothing is pinned; BpfError `"PIN_KIND"` where it is no program.
   */
  openProgram(path: string): LinuxProgram {
    return this.#open.add(adoptProgram(openPinned(path, "program").fd.release()));
  }

  /** The program with this id. @throws SyscallError ENOENT */
  programById(id: number): LinuxProgram {
    return this.#open.add(adoptProgram(bpf("BPF_PROG_GET_FD_BY_ID", { prog_id: id }, `${id}`)));
  }

  #adopt(fd: number): BpfMap {
    const { btf, keyTypeId, valueTypeId } = mapTypes(fd);
    const map = this.#open.add(new LinuxMap(fd));
    return new BpfMap(map, mapCodecs({ ...map.info, keyTypeId, valueTypeId }, btf));
  }

  close(): void {
    this.links.closeAll();
    this.#open.closeAll();
    this.#kernel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
