import type { Btf } from "@tsbpf/core";
import { parseBtf } from "@tsbpf/core/btf";
import type { LiveHost } from "./live-host.js";

/** The types of a BTF object, by its id; undefined where there is none (any more). */
export function btfById(host: LiveHost, id: number): Btf | undefined {
  if (id === 0) return undefined;
  const object = host.find("btf", id);
  if (object === undefined) return undefined;
  try {
    const { kernel, name } = object.details();
    if (kernel && name === "vmlinux") return host.vmlinux();
    return parseBtf(object.bytes(), kernel ? { base: host.vmlinux() } : {});
  } finally {
    object.close();
  }
}
