import { type Btf, parseBtf } from "@tsbpf/core/btf";
import type { LiveHost } from "./live-host.js";

/** As {@link btfById}; undefined, too, where no name has `text` in it: most types need not be read to see that. */
export function typesThatMention(host: LiveHost, id: number, text: string): Btf | undefined {
  const object = host.find("btf", id);
  if (object === undefined) return undefined;
  try {
    const bytes = object.bytes();
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text, 0, "latin1");
    return found ? btfById(host, id) : undefined;
  } finally {
    object.close();
  }
}

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
