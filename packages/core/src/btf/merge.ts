import { BpfError } from "../base/index.js";
import { coarsestPartition } from "./bisimulation.js";
import type { Btf } from "./btf.js";
import { encodeBtf } from "./encode.js";
import { ownTypes } from "./graph.js";
import { parseBtf } from "./parse.js";
import { mapTypeIds, typeIdsOf } from "./type-ids.js";
import type { BtfType, TypeId } from "./types.js";

/** One graph made of several. */
export interface MergedBtf {
  readonly btf: Btf;
  /** For each graph that went in the new id of each old one. */
  readonly ids: readonly (readonly TypeId[])[];
}

/**
 * Makes one graph of several, such as the BTF of objects that are linked, and keeps each type once. Two types are the same
 * when nothing that can be reached from them tells them apart: names, kinds, sizes, offsets, values, and so on behind
 * each reference, round through structs that point to themselves (bisimilarity, decided by partition refinement). A
 * forward declaration is the struct or union of its name where just one is in the graphs, likewise an enum without
 * enumerators. Variables and data sections stay what they are, since two of one name are two variables.
 *
 * Split graphs have to have one base, which the result is split from too.
 *
 * @throws BpfError `"BTF_BASE"` for graphs with different bases, `"BTF_RANGE"` where the format cannot hold the result.
 */
export function mergeBtf(graphs: readonly Btf[]): MergedBtf {
  const base = graphs[0]?.base;
  if (graphs.some((graph) => graph.base !== base)) {
    throw new BpfError("BTF_BASE", "graphs with different bases cannot be merged");
  }
  const first = base?.length ?? 1;
  const merger = new Merger(graphs, first);
  merger.merge();
  return { btf: parseBtf(encodeBtf(merger.types(), { base }), { base }), ids: merger.ids() };
}

/** {@link mergeBtf} of a single graph: `pahole`'s deduplication. */
export function dedupBtf(btf: Btf): MergedBtf {
  return mergeBtf([btf]);
}

class Merger {
  readonly #types: BtfType[];
  /** For each graph the node of its first own type; a node is an index into {@link #types}. */
  readonly #starts: number[] = [];
  readonly #first: number;
  readonly #graphs: readonly Btf[];
  readonly #labels: string[];
  readonly #edges: number[][];
  /** For forward declarations the node that they are, in place of themselves. */
  readonly #aliases = new Map<number, number>();
  #classes: Int32Array = new Int32Array(0);
  /** New id of each class. */
  readonly #newIds = new Map<number, TypeId>();
  readonly #representatives: number[] = [];

  constructor(graphs: readonly Btf[], first: number) {
    this.#graphs = graphs;
    this.#first = first;
    this.#types = [];
    this.#edges = [];
    for (const graph of graphs) {
      const start = this.#types.length;
      this.#starts.push(start);
      for (const type of ownTypes(graph)) {
        this.#types.push(type);
        this.#edges.push(typeIdsOf(type).map((id) => this.#node(start, id)));
      }
    }
    this.#labels = this.#types.map(label);
  }

  merge(): void {
    do this.#classes = coarsestPartition(this.#labels, this.#edges);
    while (this.#resolveForwards());
    for (const [node, name] of this.#classes.entries()) {
      if (this.#aliases.has(node) || this.#newIds.has(name)) continue;
      this.#newIds.set(name, this.#first + this.#representatives.length);
      this.#representatives.push(node);
    }
  }

  types(): BtfType[] {
    return this.#representatives.map((node) => {
      const start = this.#starts.findLast((each) => each <= node)!;
      return mapTypeIds(this.#types[node]!, (id) => this.#newId(this.#node(start, id)));
    });
  }

  ids(): TypeId[][] {
    return this.#graphs.map((graph, i) => {
      return Array.from({ length: graph.length }, (_, id) =>
        id < this.#first ? id : this.#newId(this.#node(this.#starts[i]!, id)),
      );
    });
  }

  /** Nodes of a graph's own types; what is outside, void and the base, is negative. */
  #node(start: number, id: TypeId): number {
    return id < this.#first ? -1 - id : start + id - this.#first;
  }

  #newId(node: number): TypeId {
    if (node < 0) return -1 - node;
    return this.#newIds.get(this.#classes[this.#aliases.get(node) ?? node]!)!;
  }

  /** Leads references to forward declarations to what they declare. True if that changed any. */
  #resolveForwards(): boolean {
    const definitions = new Map<string, Map<number, number>>();
    for (const [node, type] of this.#types.entries()) {
      const name = definedName(type);
      if (name === undefined) continue;
      const classes = definitions.get(name) ?? new Map<number, number>();
      definitions.set(name, classes);
      const own = this.#classes[node]!;
      if (!classes.has(own)) classes.set(own, node);
    }
    const before = this.#aliases.size;
    for (const [node, type] of this.#types.entries()) {
      const name = declaredName(type);
      const classes = name === undefined ? undefined : definitions.get(name);
      // With two definitions it isn't known which of them is meant.
      if (classes?.size === 1 && !this.#aliases.has(node)) this.#aliases.set(node, [...classes.values()][0]!);
    }
    if (this.#aliases.size === before) return false;
    for (const edges of this.#edges) {
      for (const [i, target] of edges.entries()) edges[i] = this.#aliases.get(target) ?? target;
    }
    return true;
  }
}

function definedName(type: BtfType): string | undefined {
  if ((type.kind === "struct" || type.kind === "union") && type.name !== "") return `${type.kind} ${type.name}`;
  const isEnum = (type.kind === "enum" || type.kind === "enum64") && type.name !== "" && type.values.length > 0;
  return isEnum ? `enum ${type.name}` : undefined;
}

function declaredName(type: BtfType): string | undefined {
  if (type.kind === "fwd") return `${type.of} ${type.name}`;
  const isEmpty = (type.kind === "enum" || type.kind === "enum64") && type.name !== "" && type.values.length === 0;
  return isEmpty ? `enum ${type.name}` : undefined;
}

/** All of a type but what it refers to. Names have no NUL, so that it can stand between them. */
function label(type: BtfType, node: number): string {
  switch (type.kind) {
    case "struct":
    case "union": {
      const members = type.members.map(({ name, bitOffset, bitSize }) => `${name}\0${bitOffset}:${bitSize}`);
      return [type.kind, type.name, type.size, ...members].join("\0");
    }
    case "enum":
    case "enum64": {
      const values = type.values.map(({ name, value }) => `${name}\0${value}`);
      return [type.kind, type.name, type.size, type.signed, ...values].join("\0");
    }
    case "func_proto":
      return [type.kind, ...type.params.map(({ name }) => name)].join("\0");
    case "var":
    case "datasec":
      return `${type.kind}\0${node}`;
    case "int":
      return [type.kind, type.name, type.size, type.encoding, type.bitOffset, type.bits].join("\0");
    case "array":
      return `array\0${type.length}`;
    case "fwd":
      return `fwd\0${type.of}\0${type.name}`;
    case "func":
      return `func\0${type.linkage}\0${type.name}`;
    case "float":
      return `float\0${type.size}\0${type.name}`;
    case "decl_tag":
      return `decl_tag\0${type.component}\0${type.attribute ?? false}\0${type.name}`;
    case "type_tag":
      return `type_tag\0${type.attribute ?? false}\0${type.name}`;
    case "void":
    case "ptr":
      return type.kind;
    default:
      return `${type.kind}\0${type.name}`;
  }
}
