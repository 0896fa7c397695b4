/** Something that a host made and may have to close. */
export interface Closable {
  close(): void;
}

/**
 * What is open, so that it can be closed together, last first. It does not keep anything alive: what is forgotten is
 * garbage, and its fd is closed then.
 */
export class Closables {
  readonly #members: WeakRef<Closable>[] = [];
  #sinceSweep = 0;

  add<T extends Closable>(member: T): T {
    this.#members.push(new WeakRef(member));
    if (++this.#sinceSweep > 1024) this.#sweep();
    return member;
  }

  closeAll(): void {
    for (const member of this.#members.splice(0).reverse()) member.deref()?.close();
  }

  #sweep(): void {
    const alive = this.#members.filter((member) => member.deref() !== undefined);
    this.#members.splice(0, this.#members.length, ...alive);
    this.#sinceSweep = 0;
  }
}
