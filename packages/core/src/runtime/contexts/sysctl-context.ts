import type { Runtime } from "../runtime.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct bpf_sysctl`. */
const field = { write: 0, filePosition: 4, size: 8 } as const;

/** `struct bpf_sysctl`: a sysctl that is read or written. */
export class SysctlContext extends StructContext {
  /** As `net/ipv4/ip_forward`. */
  name = "";
  current: Uint8Array = new Uint8Array(0);
  /** What is to be written; undefined for a read. */
  written: Uint8Array | undefined;
  /** Has a program put another value in its place? */
  replaced = false;

  constructor(runtime: Runtime) {
    super(runtime, field.size);
  }

  load(name: string, current: Uint8Array, written: Uint8Array | undefined, position: number): void {
    this.clear(undefined);
    this.name = name;
    this.current = current;
    this.written = written;
    this.replaced = false;
    this.setWord(field.write, written === undefined ? 0 : 1);
    this.setWord(field.filePosition, position);
  }

  get filePosition(): number {
    return this.word(field.filePosition);
  }
}
