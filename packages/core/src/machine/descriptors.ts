/** What a Machine's file descriptor can stand for: a map, a program, a socket, a cgroup. */
export interface Described {
  readonly fd: number;
  close(): void;
}

/** The Machine's own file descriptors: what values of prog arrays and maps of maps are written as. */
export class Descriptors {
  readonly #open = new Map<number, Described>();
  readonly #free: number[] = [];
  #next = 3;

  open(described: Described): number {
    const fd = this.#free.pop() ?? this.#next++;
    this.#open.set(fd, described);
    return fd;
  }

  get(fd: number): Described | undefined {
    return this.#open.get(fd);
  }

  close(fd: number): void {
    if (this.#open.delete(fd)) this.#free.push(fd);
  }

  /** All of them, in the order of their opening. */
  [Symbol.iterator](): IterableIterator<Described> {
    return this.#open.values();
  }
}
