import koffi from "koffi";

/** A reader that has work when its fd becomes readable. */
export interface Pollable {
  /** Takes what is there for up to `milliseconds`. True when there is more. */
  consume(milliseconds: number): boolean;
}

/** How long one turn of the event loop may be spent with a ring: timers and sockets get theirs in between. */
const SLICE_MS = 5;

/**
 * Runs a reader when its fd is readable, within the event loop of this thread (libuv's own epoll): no thread waits, so
 * that nothing holds up `process.exit()`. A reader that has too much to do for one turn goes on in the next.
 */
export class Poller {
  readonly #reader: Pollable;
  readonly #fd: number;
  #handle: ReturnType<typeof koffi.node.poll> | undefined;
  #next: NodeJS.Immediate | undefined;

  constructor(fd: number, reader: Pollable) {
    this.#fd = fd;
    this.#reader = reader;
  }

  start(): void {
    if (this.#handle !== undefined) return;
    this.#handle = koffi.node.poll(this.#fd, { readable: true }, () => this.#turn());
    // What came before the poll began, or while it was paused.
    this.#next ??= setImmediate(() => this.#turn());
  }

  stop(): void {
    this.#handle?.close();
    this.#handle = undefined;
    if (this.#next !== undefined) clearImmediate(this.#next);
    this.#next = undefined;
  }

  #turn(): void {
    if (this.#next !== undefined) clearImmediate(this.#next);
    this.#next = undefined;
    if (this.#handle === undefined) return;
    const more = this.#reader.consume(SLICE_MS);
    // The consumer may have stopped this meanwhile.
    if (more && this.#handle !== undefined) this.#next = setImmediate(() => this.#turn());
  }
}
