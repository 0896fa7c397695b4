import { dirname } from "node:path";
import type { PinFolders, Pinnable } from "../live/live-host.js";

/** Pins that are made together, and are all taken back when one of them cannot be made. */
export class PinSet {
  readonly #place: PinFolders;
  readonly #paths: string[] = [];
  readonly #made: string[] = [];

  constructor(place: PinFolders) {
    this.#place = place;
  }

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
    if (this.#place.exists(folder)) return;
    this.#makeFolder(dirname(folder));
    this.#place.makeFolder(folder);
    this.#made.push(folder);
  }

  /** Takes away every pin and folder that was made. */
  undo(): void {
    for (const path of this.#paths.splice(0).reverse()) this.remove(path);
    for (const folder of this.#made.splice(0).reverse()) {
      try {
        this.#place.removeFolder(folder);
      } catch {
        // Somebody else has put something there meanwhile.
      }
    }
  }

  remove(path: string): void {
    if (this.#place.exists(path)) this.#place.unpin(path);
  }
}
