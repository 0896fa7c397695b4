/** Open-coded iterators: objects on the stack that a `new`, a `next` and a `destroy` kernel function work on. */
export interface IteratorKind {
  /** As in `struct bpf_iter_<name>` and `bpf_iter_<name>_next()`. */
  readonly name: string;
  /** Stack slots that it takes. */
  readonly slots: number;
}

/** Slot records refer to an iterator kind by its index here. */
export const iteratorKinds: IteratorKind[] = [];
