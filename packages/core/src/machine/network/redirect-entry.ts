import type { NetworkDevice } from "../../runtime/index.js";
import type { MachineProgram } from "../machine-program.js";
import type { XdpSocket } from "./xdp-socket.js";

/** What an entry of a device map, a CPU map or an AF_XDP map leads to. */
export type RedirectEntry = DeviceEntry | CpuEntry | { readonly kind: "socket"; readonly socket: XdpSocket };

export interface DeviceEntry {
  readonly kind: "device";
  readonly device: NetworkDevice;
  readonly program: MachineProgram | undefined;
}

export interface CpuEntry {
  readonly kind: "cpu";
  readonly cpu: number;
  /** Frames that may wait for it. */
  readonly queueSize: number;
  /** Those that do. */
  waiting: number;
  readonly program: MachineProgram | undefined;
}

/** The entries of all redirect maps, by the handles that the maps hold. Programs behind entries live as long as they do. */
export class RedirectEntries {
  readonly #entries = new Map<number, RedirectEntry>();
  readonly #free: number[] = [];

  add(entry: RedirectEntry): number {
    const handle = this.#free.pop() ?? this.#entries.size + 1;
    this.#entries.set(handle, entry);
    if (entry.kind !== "socket") entry.program?.reference();
    return handle;
  }

  get(handle: number): RedirectEntry | undefined {
    return this.#entries.get(handle);
  }

  remove(handle: number): void {
    const entry = this.#entries.get(handle);
    if (entry === undefined) return;
    this.#entries.delete(handle);
    this.#free.push(handle);
    if (entry.kind !== "socket") entry.program?.unreference();
  }
}
