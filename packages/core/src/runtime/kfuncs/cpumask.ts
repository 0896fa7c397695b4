import type { Runtime } from "../runtime.js";
import type { KfuncFamily } from "./definition.js";

/** Sets of CPUs (`struct bpf_cpumask`): bit n for CPU n. */
export const cpumaskKfuncs: KfuncFamily = (define, environment) => {
  const { runtime, kernel } = environment;
  const cpus = runtime.cpus;
  const types = { needsKernelTypes: true };
  const masks = new Map<number, { references: number; close(): void }>();
  const mask = (address: number) => new CpuSet(runtime, address >>> 0);
  define(
    "bpf_cpumask_create",
    "uint",
    () => {
      const object = kernel.create("bpf_cpumask");
      masks.set(object.address, { references: 1, close: () => object.close() });
      return object.address;
    },
    types,
  );
  define(
    "bpf_cpumask_acquire",
    "uint",
    (address) => {
      const held = masks.get(address >>> 0);
      if (held !== undefined) held.references++;
      return address;
    },
    types,
  );
  define(
    "bpf_cpumask_release",
    "int",
    (address) => {
      const held = masks.get(address >>> 0);
      if (held !== undefined && --held.references === 0) {
        masks.delete(address >>> 0);
        held.close();
      }
      return 0;
    },
    types,
  );

  const all = Array.from({ length: cpus }, (_, cpu) => cpu);
  const none = cpus;
  const first = (test: (cpu: number) => boolean) => all.find(test) ?? none;
  const flag = (value: boolean) => (value ? 1 : 0);
  const query = (name: string, run: (a: number, b: number, c: number) => number) =>
    define(name, "uint", (a, b, c) => run(a, b, c), types);
  query("bpf_cpumask_first", (a) => first((cpu) => mask(a).has(cpu)));
  query("bpf_cpumask_first_zero", (a) => first((cpu) => !mask(a).has(cpu)));
  query("bpf_cpumask_first_and", (a, b) => first((cpu) => mask(a).has(cpu) && mask(b).has(cpu)));
  // The kernel takes turns; the first will do.
  query("bpf_cpumask_any_distribute", (a) => first((cpu) => mask(a).has(cpu)));
  query("bpf_cpumask_any_and_distribute", (a, b) => first((cpu) => mask(a).has(cpu) && mask(b).has(cpu)));
  query("bpf_cpumask_test_cpu", (cpu, a) => flag(cpu >>> 0 < cpus && mask(a).has(cpu)));
  query("bpf_cpumask_equal", (a, b) => flag(all.every((cpu) => mask(a).has(cpu) === mask(b).has(cpu))));
  query("bpf_cpumask_intersects", (a, b) => flag(all.some((cpu) => mask(a).has(cpu) && mask(b).has(cpu))));
  query("bpf_cpumask_subset", (a, b) => flag(all.every((cpu) => !mask(a).has(cpu) || mask(b).has(cpu))));
  query("bpf_cpumask_empty", (a) => flag(!all.some((cpu) => mask(a).has(cpu))));
  query("bpf_cpumask_full", (a) => flag(all.every((cpu) => mask(a).has(cpu))));
  query("bpf_cpumask_weight", (a) => all.filter((cpu) => mask(a).has(cpu)).length);
  const exchange = (cpu: number, a: number, value: boolean) => {
    if (cpu >>> 0 >= cpus) return 0;
    const before = mask(a).has(cpu);
    mask(a).set(cpu, value);
    return flag(before);
  };
  query("bpf_cpumask_test_and_set_cpu", (cpu, a) => exchange(cpu, a, true));
  query("bpf_cpumask_test_and_clear_cpu", (cpu, a) => exchange(cpu, a, false));
  const change = (name: string, run: (a: number, b: number, c: number) => void) =>
    define(
      name,
      "int",
      (a, b, c) => {
        run(a, b, c);
        return 0;
      },
      types,
    );
  change("bpf_cpumask_set_cpu", (cpu, a) => exchange(cpu, a, true));
  change("bpf_cpumask_clear_cpu", (cpu, a) => exchange(cpu, a, false));
  // Whole words, beyond the last CPU as well.
  const words = (a: number, byte: number) =>
    runtime.memory.u8.fill(byte, a >>> 0, (a >>> 0) + Math.ceil(cpus / 64) * 8);
  change("bpf_cpumask_setall", (a) => words(a, 0xff));
  change("bpf_cpumask_clear", (a) => words(a, 0));
  change("bpf_cpumask_copy", (to, a) => mask(to).fill(all, (cpu) => mask(a).has(cpu)));
  const combine = (name: string, operation: (a: boolean, b: boolean) => boolean) =>
    define(
      name,
      "uint",
      (to, a, b) => {
        mask(to).fill(all, (cpu) => operation(mask(a).has(cpu), mask(b).has(cpu)));
        return flag(all.some((cpu) => mask(to).has(cpu)));
      },
      types,
    );
  combine("bpf_cpumask_and", (a, b) => a && b);
  combine("bpf_cpumask_or", (a, b) => a || b);
  combine("bpf_cpumask_xor", (a, b) => a !== b);
};

/** The bits of a mask in memory. */
class CpuSet {
  readonly #runtime: Runtime;
  readonly #address: number;

  constructor(runtime: Runtime, address: number) {
    this.#runtime = runtime;
    this.#address = address;
  }

  has(cpu: number): boolean {
    return ((this.#runtime.memory.u8[this.#address + (cpu >>> 3)]! >>> (cpu & 7)) & 1) === 1;
  }

  set(cpu: number, value: boolean): void {
    const bytes = this.#runtime.memory.u8;
    const at = this.#address + (cpu >>> 3);
    const bit = 1 << (cpu & 7);
    bytes[at] = value ? bytes[at]! | bit : bytes[at]! & ~bit;
  }

  fill(cpus: readonly number[], value: (cpu: number) => boolean): void {
    const values = cpus.map(value);
    for (const cpu of cpus) this.set(cpu, values[cpu]!);
  }
}
