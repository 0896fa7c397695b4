import {
  type Capability,
  capabilities,
  capabilitiesToLoad,
  EPERM,
  hasCapability,
  type MapType,
  type ProgramType,
} from "../abi/index.js";
import { failure } from "./failure.js";

/** Who calls: what bpf(2) and the bpffs ask about. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** Of CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN those that it has. */
  readonly capabilities: readonly Capability[];
}

/** Who may everything. */
export const ROOT: Credentials = { uid: 0, gid: 0, capabilities };

const forNetworkAdministrators: ReadonlySet<MapType> = new Set([
  "sockmap",
  "sockhash",
  "devmap",
  "devmap_hash",
  "xskmap",
]);
/** Maps that anybody may create, where `kernel.unprivileged_bpf_disabled` is 0. */
const forEveryone: ReadonlySet<MapType> = new Set([
  ...(["array", "percpu_array", "prog_array", "perf_event_array", "cgroup_array", "array_of_maps"] as const),
  ...(["hash", "percpu_hash", "hash_of_maps", "ringbuf", "user_ringbuf"] as const),
  ...(["cgroup_storage", "percpu_cgroup_storage"] as const),
]);

/** The caller, and what it may not do. */
export class Permissions {
  #current: Credentials;
  readonly #unprivilegedDisabled: () => boolean;

  /** @param unprivilegedDisabled kernel.unprivileged_bpf_disabled is not 0 */
  constructor(credentials: Credentials, unprivilegedDisabled: () => boolean) {
    this.#current = credentials;
    this.#unprivilegedDisabled = unprivilegedDisabled;
  }

  get current(): Credentials {
    return this.#current;
  }

  has(capability: Capability): boolean {
    return hasCapability(this.#current.capabilities, capability);
  }

  /** Does `work` as somebody else. What it goes on with after an await is done as before. */
  as<T>(credentials: Credentials, work: () => T): T {
    const before = this.#current;
    this.#current = credentials;
    try {
      return work();
    } finally {
      this.#current = before;
    }
  }

  /** Does `work` with no more than these capabilities; with all that there are where none are named. */
  within<T>(held: readonly Capability[] | undefined, work: () => T): T {
    if (held === undefined) return work();
    return this.as({ ...this.#current, capabilities: held.filter((each) => this.has(each)) }, work);
  }

  /** @throws SyscallError EPERM */
  require(command: string, capability: Capability): void {
    if (this.has(capability)) return;
    throw failure(command, EPERM, `that takes CAP_${capability.toUpperCase()}`);
  }

  /** @throws SyscallError EPERM */
  requireMap(type: MapType): void {
    const command = "BPF_MAP_CREATE";
    if (this.#unprivilegedDisabled()) this.require(command, "bpf");
    if (forNetworkAdministrators.has(type)) this.require(command, "net_admin");
    else if (!forEveryone.has(type)) this.require(command, "bpf");
  }

  /** @throws SyscallError EPERM */
  requireProgram(type: ProgramType): void {
    const command = "BPF_PROG_LOAD";
    if (this.#unprivilegedDisabled()) this.require(command, "bpf");
    for (const capability of capabilitiesToLoad(type)) this.require(command, capability);
  }
}
