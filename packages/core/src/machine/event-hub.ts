import type { EventSubscription } from "../host/index.js";

/** One reader of a map's events. */
export class EventDelivery implements EventSubscription {
  readonly #take: () => number;
  readonly #end: () => void;
  #paused = false;
  #closed = false;
  #taking = false;
  /** @internal */
  onClose: () => void = () => {};

  /** @param take hands what is there to the reader and says how much it was; `end` gives up the source. */
  constructor(take: () => number, end: () => void) {
    this.#take = take;
    this.#end = end;
  }

  /** Delivers, unless it is paused. */
  deliver(): void {
    if (!this.#paused) this.poll();
  }

  poll(): number {
    // A reader that makes programs run from within its callback must not be called again before it is through.
    if (this.#closed || this.#taking) return 0;
    this.#taking = true;
    try {
      return this.#take();
    } finally {
      this.#taking = false;
    }
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.deliver();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end();
    this.onClose();
  }
}

/** Everyone who reads events: deliveries happen when a run is over. */
export class EventHub {
  readonly #deliveries = new Set<EventDelivery>();

  add(delivery: EventDelivery): EventDelivery {
    this.#deliveries.add(delivery);
    delivery.onClose = () => this.#deliveries.delete(delivery);
    delivery.deliver();
    return delivery;
  }

  /** Whether anybody reads. */
  get hasReaders(): boolean {
    return this.#deliveries.size > 0;
  }

  /** To be called after each run. */
  deliver(): void {
    if (this.#deliveries.size === 0) return;
    for (const delivery of this.#deliveries) delivery.deliver();
  }
}
