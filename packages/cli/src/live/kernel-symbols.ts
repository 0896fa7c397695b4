import { readFileSync } from "node:fs";

/**
 * Names of the running kernel's code, from /proc/kallsyms. Its lines are looked for one by one: a listing needs a few of
 * some 200,000. Without CAP_SYSLOG all addresses read 0, and nothing is found.
 */
export class KernelSymbols {
  readonly #text = readFileSync("/proc/kallsyms", "latin1");
  readonly #names = new Map<bigint, string | undefined>();

  /** The first symbol at exactly this address. */
  nameAt(address: bigint): string | undefined {
    if (!this.#names.has(address)) this.#names.set(address, this.#find(address));
    return this.#names.get(address);
  }

  addressOf(name: string): bigint | undefined {
    const at = this.#text.search(new RegExp(` ${name.replace(/[^\w]/g, "\\$&")}(\\t|\\n|$)`));
    if (at < 0) return undefined;
    const line = this.#text.slice(this.#text.lastIndexOf("\n", at) + 1, at);
    const address = BigInt(`0x${line.split(" ")[0]}`);
    return address === 0n ? undefined : address;
  }

  #find(address: bigint): string | undefined {
    if (address === 0n) return undefined;
    const digits = address.toString(16).padStart(16, "0");
    const at = this.#text.startsWith(digits) ? 0 : this.#text.indexOf(`\n${digits} `) + 1;
    if (at === 0 && !this.#text.startsWith(digits)) return undefined;
    const end = this.#text.indexOf("\n", at);
    return /^\S+ \S (\S+)/.exec(this.#text.slice(at, end < 0 ? undefined : end))?.[1];
  }
}
