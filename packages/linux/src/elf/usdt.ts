import { ByteReader } from "@tsbpf/core/base";
import type { Executable } from "./executable.js";

const NT_STAPSDT = 3;

/** A place in a program where a statically defined tracepoint (USDT) stands. */
export interface UsdtProbe {
  readonly provider: string;
  readonly name: string;
  /** Bytes from the start of the file. */
  readonly fileOffset: number;
  /** File offset of the counter that has to be above 0 for the program to run the probe; 0 without. */
  readonly semaphore: number;
  /** Where the arguments are, in SystemTap's notation: `-4@%edi 8@-16(%rbp)`. */
  readonly arguments: string;
}

/**
 * The USDT probes of an executable; one name can stand in many places (inlining, several calls).
 *
 * @see https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 */
export function usdtProbes(executable: Executable): UsdtProbe[] {
  const base = executable.sectionAddress(".stapsdt.base");
  const probes: UsdtProbe[] = [];
  for (const note of executable.notes("stapsdt", NT_STAPSDT)) {
    const reader = new ByteReader(note, { section: ".note.stapsdt" });
    const address = reader.size64("probe address");
    const noteBase = reader.size64("base address");
    const semaphore = reader.size64("semaphore address");
    // A prelinker moves the section and leaves the notes as they were.
    const moved = base === undefined ? 0 : base - noteBase;
    const fileOffset = executable.fileOffset(address + moved);
    const provider = reader.cstring();
    const name = reader.cstring();
    if (fileOffset === undefined) continue;
    const counter = semaphore === 0 ? 0 : (executable.fileOffset(semaphore + moved) ?? 0);
    probes.push({ provider, name, fileOffset, semaphore: counter, arguments: reader.cstring() });
  }
  return probes;
}
