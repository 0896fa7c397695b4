import { parseBtf } from "@tsbpf/core/btf";
import type { LiveHost, LiveProgram } from "./live-host.js";

/** Bytes of a name that the kernel keeps. */
const KEPT = 15;

/** A program's name at full length: where the kernel may have cut it, its function's in BTF. */
export function programName(host: LiveHost, program: LiveProgram, details = program.details()): string {
  const { name, btfId } = details;
  if (name.length < KEPT || btfId === 0) return name;
  const [first] = program.layout().functions;
  const btf = first === undefined ? undefined : host.find("btf", btfId);
  if (first === undefined || btf === undefined) return name;
  try {
    const full = parseBtf(btf.bytes()).name(first.typeId);
    return full.startsWith(name) ? full : name;
  } finally {
    btf.close();
  }
}
