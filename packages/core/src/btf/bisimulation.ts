/**
 * The coarsest partition of a graph's nodes in which nodes of one class have the same label and, edge by edge, targets of
 * one class: nodes that no walk along the edges can tell apart, however they refer to themselves.
 *
 * Moore's partition refinement with the rule of Hopcroft that of a class that splits the largest part keeps its name, so
 * that a node is renamed at most log n times and only its predecessors are looked at again.
 *
 * @see J. Hopcroft, An n log n algorithm for minimizing states in a finite automaton, 1971
 * @see R. Paige, R. Tarjan, Three partition refinement algorithms, 1987
 */
export function coarsestPartition(
  labels: readonly string[],
  /** Targets of each node's edges: node indices, or negative numbers for things outside, each a class of its own. */
  edges: readonly (readonly number[])[],
): Int32Array {
  const partition = new Partition(labels, edges);
  let touched: Iterable<number> = labels.keys();
  for (;;) {
    const renamed = partition.refine(touched);
    if (renamed.length === 0) return partition.classes;
    touched = partition.predecessors(renamed);
  }
}

class Partition {
  readonly classes: Int32Array;
  readonly #edges: readonly (readonly number[])[];
  /** Sources of the edges that lead to each node. */
  readonly #sources: number[][];
  /** All nodes, those of a class behind each other. */
  readonly #nodes: Int32Array;
  /** Where each node stands in {@link #nodes}. */
  readonly #places: Int32Array;
  /** Where each class starts and ends in {@link #nodes}. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(labels: readonly string[], edges: readonly (readonly number[])[]) {
    this.#edges = edges;
    this.classes = new Int32Array(labels.length);
    this.#nodes = new Int32Array(labels.length);
    this.#places = new Int32Array(labels.length);
    const byLabel = new Map<string, number[]>();
    for (const [node, label] of labels.entries()) append(byLabel, label, node);
    let place = 0;
    for (const members of byLabel.values()) {
      const name = this.#starts.length;
      this.#starts.push(place);
      for (const node of members) {
        this.classes[node] = name;
        this.#nodes[place] = node;
        this.#places[node] = place++;
      }
      this.#ends.push(place);
    }
    this.#sources = labels.map(() => []);
    for (const [node, targets] of edges.entries()) {
      for (const target of targets) if (target >= 0) this.#sources[target]!.push(node);
    }
  }

  /**
   * Splits the classes of `touched` nodes by where their edges lead now, and returns the nodes with a new class. Nodes
   * that were not touched are still alike: none of their targets has a new class, while each touched node has such a
   * target.
   */
  refine(touched: Iterable<number>): number[] {
    const groups = new Map<string, number[]>();
    for (const node of touched) {
      const own = this.classes[node]!;
      if (this.#ends[own]! - this.#starts[own]! === 1) continue;
      const signature = this.#edges[node]!.map((target) => (target < 0 ? target : this.classes[target]!));
      append(groups, `${own}:${signature.join()}`, node);
    }
    const parts = new Map<number, number[][]>();
    for (const group of groups.values()) append(parts, this.classes[group[0]!]!, group);
    const renamed: number[] = [];
    for (const [own, each] of parts) this.#split(own, each, renamed);
    return renamed;
  }

  predecessors(nodes: readonly number[]): Set<number> {
    const found = new Set<number>();
    for (const node of nodes) for (const source of this.#sources[node]!) found.add(source);
    return found;
  }

  /** Makes classes of the parts of class `own`, and of the rest of it that is in none; the largest of all stays `own`. */
  #split(own: number, parts: number[][], renamed: number[]): void {
    const rest = parts.reduce((size, part) => size - part.length, this.#ends[own]! - this.#starts[own]!);
    parts.sort((a, b) => a.length - b.length);
    const keepsRest = rest >= parts.at(-1)!.length;
    const largest = keepsRest ? undefined : parts.pop()!;
    for (const part of parts) {
      const start = this.#starts[own]!;
      this.#toFront(own, part);
      this.#starts[own] = start + part.length;
      this.#rename(start, start + part.length, renamed);
    }
    if (largest !== undefined && rest > 0) {
      this.#toFront(own, largest);
      const start = this.#starts[own]! + largest.length;
      const end = this.#ends[own]!;
      this.#ends[own] = start;
      this.#rename(start, end, renamed);
    }
  }

  #toFront(own: number, part: readonly number[]): void {
    let front = this.#starts[own]!;
    for (const node of part) {
      const other = this.#nodes[front]!;
      const place = this.#places[node]!;
      this.#nodes[front] = node;
      this.#places[node] = front++;
      this.#nodes[place] = other;
      this.#places[other] = place;
    }
  }

  #rename(start: number, end: number, renamed: number[]): void {
    const name = this.#starts.length;
    this.#starts.push(start);
    this.#ends.push(end);
    for (let place = start; place < end; place++) {
      const node = this.#nodes[place]!;
      this.classes[node] = name;
      renamed.push(node);
    }
  }
}

function append<K, T>(map: Map<K, T[]>, key: K, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
