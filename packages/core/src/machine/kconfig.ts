import { versionExterns } from "../abi/index.js";
import type { KconfigValue } from "../spec/index.js";

/** The Machine is a 6.18. */
const known: ReadonlyMap<string, KconfigValue> = new Map([...versionExterns("6.18"), ["CONFIG_HZ", 250n]]);

/** What the Machine answers for names of libbpf's and of the kernel's configuration, HZ as its clock has it. */
export function machineKconfig(name: string): KconfigValue | undefined {
  return known.get(name);
}
