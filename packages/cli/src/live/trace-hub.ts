/** Hands on what programs print, to everyone who listens at the time. */
export class TraceHub {
  readonly #listeners = new Set<(text: string) => void>();

  emit(text: string): void {
    for (const listener of this.#listeners) listener(text);
  }

  /** The result ends it. */
  listen(listener: (text: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
