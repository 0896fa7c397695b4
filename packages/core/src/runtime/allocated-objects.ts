import type { ValueField } from "../maps/index.js";
import type { Runtime } from "./runtime.js";

/** What an allocated type looks like: bytes, and the fields in it that are more than bytes. */
export interface ObjectLayout {
  readonly size: number;
  readonly fields: readonly ValueField[];
}

interface AllocatedObject {
  readonly address: number;
  readonly layout: ObjectLayout;
  /** Owners: one, unless the type has a bpf_refcount. */
  references: number;
}

/** A node's place in a list or tree. */
interface NodeOwner {
  readonly root: number;
}

/** Objects of programs' own types (bpf_obj_new), and the lists and trees that they are in. */
export class AllocatedObjects {
  /** The layout of a type of the program that runs. The host knows its types. */
  layoutOf: (typeId: number) => ObjectLayout | undefined = () => undefined;
  readonly #runtime: Runtime;
  readonly #objects = new Map<number, AllocatedObject>();
  /** Nodes of each list, first to last, and of each tree, in their order. */
  readonly #nodes = new Map<number, number[]>();
  readonly #owners = new Map<number, NodeOwner>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Objects that there are. */
  get count(): number {
    return this.#objects.size;
  }

  /** Address of a new object, zeroed, or of one for each of some CPUs. */
  create(layout: ObjectLayout, copies = 1): number {
    const stride = strideOf(layout);
    const address = this.#runtime.memory.alloc(stride * copies);
    const { size } = layout;
    this.#runtime.regions.add({
      ...{ name: "allocated object", start: address, length: stride * copies, stride },
      ...{ offset: 0, size, writable: true },
    });
    this.#objects.set(address, { address, layout, references: 1 });
    return address;
  }

  /** The object that an address lies in, or points to. */
  at(address: number): AllocatedObject | undefined {
    const start = this.#runtime.regions.find(address)?.start;
    return start === undefined ? undefined : this.#objects.get(start);
  }

  /** A CPU's copy of an object that there is one of for each. */
  copyOf(address: number, cpu: number): number {
    const object = this.at(address);
    return object === undefined ? 0 : address + cpu * strideOf(object.layout);
  }

  acquire(address: number): void {
    const object = this.at(address);
    if (object !== undefined) object.references++;
  }

  /** An owner gives it up; with the last one it goes, with what its own fields hold. */
  drop(address: number): void {
    const object = this.at(address);
    if (object === undefined || --object.references > 0) return;
    this.releaseFields(object.address, object.layout.fields);
    this.#objects.delete(object.address);
    this.#runtime.regions.remove(object.address);
    this.#runtime.memory.free(object.address);
  }

  /** Empties the lists, trees and pointers of a value whose memory goes. */
  releaseFields(address: number, fields: readonly ValueField[]): void {
    for (const { kind, offset } of fields) {
      if (kind === "list_head" || kind === "rb_root") this.#drain(address + offset);
      else if (kind === "kptr") this.#dropPointer(address + offset);
    }
  }

  /** The nodes of a list or tree, in order. The caller does not change them. */
  nodes(root: number): readonly number[] {
    return this.#nodes.get(root) ?? [];
  }

  /** The list or tree that a node is in. */
  ownerOf(node: number): number | undefined {
    return this.#owners.get(node)?.root;
  }

  /** Puts a node into a list or tree that it isn't in, at a place. */
  insert(root: number, node: number, index: number): void {
    let nodes = this.#nodes.get(root);
    if (nodes === undefined) {
      nodes = [];
      this.#nodes.set(root, nodes);
    }
    nodes.splice(index, 0, node);
    this.#owners.set(node, { root });
  }

  /** Takes a node out; its object's owner is the caller then. */
  remove(node: number): void {
    const owner = this.#owners.get(node);
    if (owner === undefined) return;
    this.#owners.delete(node);
    const nodes = this.#nodes.get(owner.root)!;
    const index = nodes[0] === node ? 0 : nodes.lastIndexOf(node);
    if (index === 0) nodes.shift();
    else nodes.splice(index, 1);
    if (nodes.length === 0) this.#nodes.delete(owner.root);
  }

  #drain(root: number): void {
    for (const node of [...this.nodes(root)]) {
      this.remove(node);
      this.drop(node);
    }
  }

  #dropPointer(slot: number): void {
    const words = this.#runtime.memory.u32;
    const address = words[slot >>> 2]!;
    words[slot >>> 2] = 0;
    words[(slot >>> 2) + 1] = 0;
    if (address !== 0 && this.#objects.has(address)) this.drop(address);
  }
}

function strideOf({ size }: ObjectLayout): number {
  return Math.ceil(size / 8) * 8;
}
