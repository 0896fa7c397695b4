/** Receives events. Called synchronously, in order for each CPU; must not throw. */
export interface EventSink {
  /** `bytes` may be a view into a ring: valid during the call only. `cpu` is 0 for ring buffers, which have one order. */
  event(bytes: Uint8Array, cpu: number): void;
  /**
   * Called in place of {@link event}, where the sink has it, by hosts whose ring is memory: the event is the `length` bytes
   * at `offset` of `memory`, which is the same for all events. Nothing is made for an event, which matters at millions a
   * second. The bytes are valid during the call only, and must not be written.
   */
  record?(memory: Uint8Array, offset: number, length: number): void;
  /** `count` events were lost since the last call because nobody made room in time. */
  lost(count: number, cpu: number): void;
}

/** A running delivery of events to one {@link EventSink}. */
export interface EventSubscription {
  /** Delivers what is there now, before it returns. Returns the number of events. */
  poll(): number;
  /** Stops deliveries until `resume()`; events then wait in the ring, and are lost when it is full. */
  pause(): void;
  resume(): void;
  /** Ends it; what was not delivered is dropped. Twice is harmless. */
  close(): void;
}

/** One event of an {@link EventStream}. */
export interface MapEvent<T> {
  readonly value: T;
  readonly cpu: number;
}

/**
 * Events as an async iterable, with back-pressure: when `highWater` events wait to be read, the source is paused.
 * Leaving a `for await` loop closes the stream.
 */
export class EventStream<T> implements AsyncIterableIterator<MapEvent<T>> {
  /** Events that the kernel side dropped because the ring was full. */
  lost = 0;
  readonly #subscription: EventSubscription;
  readonly #highWater: number;
  #waiting: MapEvent<T>[] = [];
  #head = 0;
  /** Promises that wait for the next event. Methods, not functions: a stream of events is a stream of unknown ones too. */
  #readers: { settle(result: IteratorResult<MapEvent<T>, undefined>): void }[] = [];
  #paused = false;
  #closed = false;

  constructor(
    subscribe: (sink: EventSink) => EventSubscription,
    decode: (bytes: Uint8Array) => T,
    options: { highWater?: number | undefined } = {},
  ) {
    this.#highWater = options.highWater ?? 65_536;
    this.#subscription = subscribe({
      event: (bytes, cpu) => this.#push({ value: decode(bytes), cpu }),
      lost: (count) => {
        this.lost += count;
      },
    });
  }

  /** What has been sent by now, without waiting. */
  drain(): MapEvent<T>[] {
    if (!this.#closed) this.#subscription.poll();
    const events = this.#waiting.slice(this.#head);
    this.#waiting = [];
    this.#head = 0;
    this.#resume();
    return events;
  }

  next(): Promise<IteratorResult<MapEvent<T>, undefined>> {
    const event = this.#waiting[this.#head];
    if (event !== undefined) {
      this.#take();
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#readers.push({ settle: resolve });
    });
  }

  return(): Promise<IteratorResult<MapEvent<T>, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the delivery; events that wait can still be read. Twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscription.close();
    for (const reader of this.#readers.splice(0)) reader.settle({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #push(event: MapEvent<T>): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.settle({ done: false, value: event });
      return;
    }
    this.#waiting.push(event);
    if (!this.#paused && this.#waiting.length - this.#head >= this.#highWater) {
      this.#paused = true;
      this.#subscription.pause();
    }
  }

  #take(): void {
    this.#head++;
    if (this.#head === this.#waiting.length) {
      this.#waiting = [];
      this.#head = 0;
    }
    this.#resume();
  }

  #resume(): void {
    // Resuming at half of the mark spares a pause and a resume for every event of a reader that is just too slow.
    if (!this.#paused || this.#waiting.length - this.#head > this.#highWater / 2) return;
    this.#paused = false;
    if (!this.#closed) this.#subscription.resume();
  }
}
