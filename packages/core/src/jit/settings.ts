/**
 * What Linux lets its administrator say about the JIT under `net.core.bpf_jit_*`. The JIT reads them whenever a program is
 * prepared: change them in place.
 *
 * @see https://docs.kernel.org/admin-guide/sysctl/net.html
 */
export interface JitSettings {
  /**
   * `bpf_jit_harden`: no constant that a program chose stands in its code, for programs of unprivileged users (1) or for
   * all (2). 0, the default, is the fastest. Offsets of loads, stores and jumps stay, as in the kernel.
   */
  harden: 0 | 1 | 2;
  /**
   * `bpf_jit_limit`: bytes that all images together may have when an unprivileged user's is added to them. By default what
   * Linux takes on x86-64.
   */
  limit: number;
}

/** Linux's choices at boot on x86-64. */
export function defaultJitSettings(): JitSettings {
  return { harden: 0, limit: 528_482_304 };
}
