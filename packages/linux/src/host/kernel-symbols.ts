import { readFileSync } from "node:fs";

let addresses: ReadonlyMap<string, bigint> | undefined;

/**
 * Address of a kernel symbol from /proc/kallsyms, or undefined where there is none. All addresses read 0 there without
 * CAP_SYSLOG (kernel.kptr_restrict); such symbols count as missing.
 */
export function kernelSymbol(name: string): bigint | undefined {
  addresses ??= parseKallsyms(readFileSync("/proc/kallsyms", "latin1"));
  return addresses.get(name);
}

/** Parses lines of `address type name [module]`; the first of equal names counts. */
export function parseKallsyms(text: string): Map<string, bigint> {
  const symbols = new Map<string, bigint>();
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    const nameAt = text.indexOf(" ", start) + 3;
    let nameEnd = nameAt;
    while (nameEnd < end && text.charCodeAt(nameEnd) > 0x20) nameEnd++;
    const name = text.slice(nameAt, nameEnd);
    const address = BigInt(`0x${text.slice(start, nameAt - 3)}`);
    if (address !== 0n && !symbols.has(name)) symbols.set(name, address);
    start = end + 1;
  }
  return symbols;
}
