const clock = (globalThis as unknown as { performance: { now(): number } }).performance;

/** Whether runs of programs are counted and timed: while anybody wants it (kernel.bpf_stats_enabled, BPF_ENABLE_STATS). */
export class Statistics {
  #wanted = 0;

  get on(): boolean {
    return this.#wanted > 0;
  }

  /** On until the result is closed. */
  enable(): { close(): void; [Symbol.dispose](): void } {
    this.#wanted++;
    let open = true;
    const close = () => {
      if (open) this.#wanted--;
      open = false;
    };
    return { close, [Symbol.dispose]: close };
  }

  /** Nanoseconds of real time, from anywhere. */
  now(): number {
    return clock.now() * 1e6;
  }
}
