/** Where kernel text starts on x86-64 without randomization. */
const TEXT_START = 0xffff_ffff_8100_0000n;
const FUNCTION_SIZE = 64n;

/** Addresses of kernel functions: each name that is asked for gets one, the same each time. */
export class KernelSymbols {
  readonly #addresses = new Map<string, bigint>();
  readonly #names: string[] = [];

  address(name: string): bigint {
    let address = this.#addresses.get(name);
    if (address === undefined) {
      address = TEXT_START + BigInt(this.#names.length) * FUNCTION_SIZE;
      this.#addresses.set(name, address);
      this.#names.push(name);
    }
    return address;
  }

  /** The function that an address lies in. */
  name(address: bigint): string | undefined {
    const index = (address - TEXT_START) / FUNCTION_SIZE;
    return address >= TEXT_START && index < BigInt(this.#names.length) ? this.#names[Number(index)] : undefined;
  }

  has(name: string): boolean {
    return this.#addresses.has(name);
  }
}
