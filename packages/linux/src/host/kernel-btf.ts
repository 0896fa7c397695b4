import { existsSync, readdirSync, readFileSync } from "node:fs";
import { NotSupportedError } from "@tsbpf/core/base";
import { type Btf, type BtfKind, parseBtf, type TypeId } from "@tsbpf/core/btf";
import { btfIds } from "../inspect/ids.js";
import { btfFdById, errnos, FileDescriptor, NativeBuffer, objectInfo, textOf } from "../sys/index.js";
import { BTF_INFO_SIZE } from "../sys/object-info.js";

const FOLDER = "/sys/kernel/btf";

/** BTF of a loaded kernel module, split from vmlinux's. */
export interface ModuleBtf {
  readonly name: string;
  readonly btf: Btf;
  /** The kernel's fd of it, for attach targets and kfuncs. Open as long as this. */
  readonly fd: FileDescriptor;
}

/** A type in the kernel's BTF. */
export interface KernelType {
  readonly id: TypeId;
  readonly btf: Btf;
  /** The module it is in; undefined for vmlinux. */
  readonly module: ModuleBtf | undefined;
}

/** The types of the running kernel, read when first asked for: vmlinux's in one go, modules' only when it lacks a name. */
export class KernelBtf {
  #vmlinux: Btf | undefined;
  #modules: readonly ModuleBtf[] | undefined;

  /** @throws NotSupportedError for a kernel without CONFIG_DEBUG_INFO_BTF. */
  get vmlinux(): Btf {
    if (this.#vmlinux === undefined) {
      const path = `${FOLDER}/vmlinux`;
      if (!existsSync(path)) {
        throw new NotSupportedError(
          "kernel BTF",
          `the kernel has no BTF: ${path} is missing (CONFIG_DEBUG_INFO_BTF)`,
          "5.4",
        );
      }
      this.#vmlinux = parseBtf(new Uint8Array(readFileSync(path)));
    }
    return this.#vmlinux;
  }

  /** The first type with this name and kind, in vmlinux or else in a module. */
  find(name: string, kind: BtfKind): KernelType | undefined {
    const [id] = this.vmlinux.find(name, kind);
    if (id !== undefined) return { id, btf: this.vmlinux, module: undefined };
    for (const module of this.modules()) {
      const own = module.btf.find(name, kind).find((found) => found >= module.btf.firstId);
      if (own !== undefined) return { id: own, btf: module.btf, module };
    }
    return undefined;
  }

  modules(): readonly ModuleBtf[] {
    this.#modules ??= this.#readModules();
    return this.#modules;
  }

  close(): void {
    for (const module of this.#modules ?? []) module.fd.close();
    this.#modules = undefined;
  }

  #readModules(): ModuleBtf[] {
    const files = new Set(readdirSync(FOLDER).filter((name) => name !== "vmlinux"));
    if (files.size === 0) return [];
    const modules: ModuleBtf[] = [];
    for (const id of btfIds()) {
      const fd = openBtf(id);
      if (fd === undefined) continue;
      const name = kernelBtfName(fd.number);
      if (name === undefined || !files.has(name)) {
        fd.close();
        continue;
      }
      const btf = parseBtf(new Uint8Array(readFileSync(`${FOLDER}/${name}`)), { base: this.vmlinux });
      modules.push({ name, btf, fd });
    }
    return modules;
  }
}

/** Undefined when it went away between listing and opening. */
function openBtf(id: number): FileDescriptor | undefined {
  try {
    return new FileDescriptor(btfFdById(id), `BTF ${id}`);
  } catch (error) {
    if ((error as { errno?: number }).errno === errnos.ENOENT) return undefined;
    throw error;
  }
}

/** The module (or "vmlinux") whose BTF this is; undefined for a program's BTF. */
function kernelBtfName(fd: number): string | undefined {
  const name = new NativeBuffer(64);
  const { view } = objectInfo(fd, BTF_INFO_SIZE, (info) => {
    info.setBigUint64(16, BigInt(name.address), true);
    info.setUint32(24, name.length, true);
  });
  return view.getUint32(28, true) === 0 ? undefined : textOf(name.bytes);
}
