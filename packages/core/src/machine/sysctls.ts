import { EINVAL, ENOENT, EPERM } from "../abi/index.js";
import type { JitSettings } from "../jit/index.js";
import type { Permissions } from "./credentials.js";
import type { EngineChoice } from "./engine-choice.js";
import { failure } from "./failure.js";
import type { Statistics } from "./statistics.js";

/** A setting as an integer. */
interface Setting {
  readonly least: number;
  readonly most: number;
  read(): number;
  /** @throws SyscallError for a value that is not to be had now. */
  write(value: number): void;
}

/** What the settings are settings of. */
export interface SysctlTargets {
  readonly engine: EngineChoice;
  readonly jit: JitSettings;
  readonly statistics: Statistics;
  readonly permissions: () => Permissions;
  /**
   * A task reads a setting, or writes it: what is to be written, which programs of its cgroup may have changed.
   *
   * @throws SyscallError EPERM and the like where they forbid it.
   */
  readonly ask: (path: string, current: string, written: string | undefined) => string | undefined;
}

const S64_MAX = Number.MAX_SAFE_INTEGER;

/**
 * The settings of BPF, by their names with dots or slashes:
 *
 * | name | values |
 * |---|---|
 * | `net.core.bpf_jit_enable` | 0 interpreter, 1 JIT, 2 JIT with a dump of the code (`machine.kernelLog`); for programs to come |
 * | `net.core.bpf_jit_harden` | 0, 1 constants of unprivileged users' programs are blinded, 2 those of all |
 * | `net.core.bpf_jit_kallsyms` | 0, 1 `machine.kallsyms()` lists programs |
 * | `net.core.bpf_jit_limit` | bytes of code beyond which unprivileged users' programs are interpreted |
 * | `kernel.unprivileged_bpf_disabled` | 0, 1 (for good), 2 |
 * | `kernel.bpf_stats_enabled` | 0, 1 runs are counted and timed |
 */
export class Sysctls {
  /** Whether users without CAP_BPF are kept out. */
  unprivilegedDisabled = 2;
  /** Whether kallsyms lists programs. */
  kallsyms = 0;
  readonly #settings: ReadonlyMap<string, Setting>;
  readonly #permissions: () => Permissions;
  readonly #ask: SysctlTargets["ask"];
  #counting: { close(): void } | undefined;

  constructor({ engine, jit, statistics, permissions, ask }: SysctlTargets) {
    this.#permissions = permissions;
    this.#ask = ask;
    this.#settings = new Map<string, Setting>([
      ["net.core.bpf_jit_enable", setting(engine.alwaysOn ? 1 : 0, engine.alwaysOn ? 1 : 2, engine, "enable")],
      ["net.core.bpf_jit_harden", setting(0, 2, jit, "harden")],
      ["net.core.bpf_jit_kallsyms", setting(0, 1, this, "kallsyms")],
      ["net.core.bpf_jit_limit", setting(1, S64_MAX, jit, "limit")],
      ["kernel.unprivileged_bpf_disabled", this.#lock()],
      ["kernel.bpf_stats_enabled", this.#counter(statistics)],
    ]);
  }

  /** Names, with dots. */
  get names(): string[] {
    return [...this.#settings.keys()];
  }

  /** @throws SyscallError ENOENT, and what a program of the current cgroup says. */
  read(name: string): number {
    const value = this.#setting(name).read();
    this.#ask(pathOf(name), `${value}\n`, undefined);
    return value;
  }

  /**
   * @throws SyscallError ENOENT, EPERM without CAP_SYS_ADMIN and for what is locked, EINVAL for a value out of range, and
   * what a program of the current cgroup says.
   */
  write(name: string, wanted: number): void {
    const setting = this.#setting(name);
    this.#permissions().require(`write ${name}`, "sys_admin");
    const asked = this.#ask(pathOf(name), `${setting.read()}\n`, String(wanted));
    const value = asked === undefined ? wanted : Number(asked.replace(/[\s\0]+$/, ""));
    if (!Number.isInteger(value) || value < setting.least || value > setting.most)
      throw failure(`write ${name}`, EINVAL, `${value} is not from ${setting.least} to ${setting.most}`);
    setting.write(value);
  }

  #setting(name: string): Setting {
    const setting = this.#settings.get(name.replaceAll("/", "."));
    if (setting === undefined) throw failure("open", ENOENT, `there is no ${name}; there are ${this.names.join(", ")}`);
    return setting;
  }

  /** kernel.unprivileged_bpf_disabled: a 1 stays. */
  #lock(): Setting {
    return {
      least: 0,
      most: 2,
      read: () => this.unprivilegedDisabled,
      write: (value) => {
        if (this.unprivilegedDisabled === 1 && value !== 1)
          throw failure("write kernel.unprivileged_bpf_disabled", EPERM, "1 stays until the machine is made anew");
        this.unprivilegedDisabled = value;
      },
    };
  }

  #counter(statistics: Statistics): Setting {
    return {
      least: 0,
      most: 1,
      read: () => (this.#counting === undefined ? 0 : 1),
      write: (value) => {
        if (value === 1) this.#counting ??= statistics.enable();
        else {
          this.#counting?.close();
          this.#counting = undefined;
        }
      },
    };
  }
}

/** As below `/proc/sys`. */
function pathOf(name: string): string {
  return name.replaceAll(".", "/");
}

/** A member of an object as a setting. */
function setting<Key extends string>(least: number, most: number, object: Record<Key, number>, key: Key): Setting {
  return {
    least,
    most,
    read: () => object[key],
    write: (value) => {
      (object as Record<string, number>)[key] = value;
    },
  };
}
