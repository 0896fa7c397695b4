import { libc, NativeBuffer, textOf } from "../sys/index.js";

const IF_NAMESIZE = 16;

/** The name of a network device in the calling thread's network namespace; undefined where it has none by this index. */
export function networkInterfaceName(index: number): string | undefined {
  const name = new NativeBuffer(IF_NAMESIZE);
  return libc().ifIndexToName(index, name.address) === 0 ? undefined : textOf(name.bytes);
}
