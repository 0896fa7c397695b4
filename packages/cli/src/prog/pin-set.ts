import { existsSync, mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import type { Pinnable } from "../live/live-host.js";

/** Pins that are made together, and are all taken back when one of them cannot be made. */
export class PinSet {
  readonly #paths: string[] = [];
  readonly #folders: string[] = [];

  get paths(): readonly string[] {
    return this.#paths;
  }

  /** Pins, making the folders that are missing. @throws SyscallError EEXIST ... */
  pin(object: Pinnable, path: string): void {
    this.#makeFolder(dirname(path));
    object.pin(path);
    this.#paths.push(path);
  }

  #makeFolder(folder: string): void {
    if (existsSync(folder)) return;
    this.#makeFolder(dirname(folder));
    mkdirSync(folder);
    this.#folders.push(folder);
  }

  /** Takes away every pin and folder that was made. */
  undo(): void {
    for (const path of this.#paths.splice(0).reverse()) this.remove(path);
    for (const folder of this.#folders.splice(0).reverse()) {
      try {
        rmdirSync(folder);
      } catch {
        // Somebody else has put something there meanwhile.
      }
    }
  }

  remove(path: string): void {
    if (existsSync(path)) unlinkSync(path);
  }
}
