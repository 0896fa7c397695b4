import { BpfError, encodeText } from "../base/index.js";
import {
  type Btf,
  type BtfValue,
  decodeValue,
  encodeValue,
  findMember,
  resolve,
  type TypeId,
  valueEncoder,
} from "../btf/index.js";
import type { Runtime } from "./runtime.js";

/**
 * What a member of a kernel object, or an argument, can be given as: a value of its type; for pointers also another
 * object, a text (kept with its NUL) or bytes.
 */
export type KernelValue = BtfValue | KernelObject | readonly KernelValue[] | { readonly [member: string]: KernelValue };

/** A struct of the kernel that programs can read through typed pointers; it lies in linear memory until it is closed. */
export class KernelObject {
  readonly address: number;
  /** In the kernel's types. */
  readonly typeId: TypeId;
  readonly #memory: KernelMemory;
  /** Texts and bytes that its members point to. */
  readonly #owned: KernelBytes[] = [];
  #closed = false;

  /** @internal */
  constructor(memory: KernelMemory, address: number, typeId: TypeId) {
    this.#memory = memory;
    this.address = address;
    this.typeId = typeId;
  }

  get typeName(): string {
    return this.#memory.requireTypes().name(this.typeId);
  }

  /** Its members. @throws BpfError `"BTF_VALUE"` for a type that is too large for a value as a whole: see {@link member}. */
  get(): BtfValue {
    const types = this.#memory.requireTypes();
    return decodeValue(types, this.typeId, this.#memory.bytes(this.address, types.size(this.typeId)!));
  }

  /** One member, by its path: `"cred.uid.val"`. @throws BpfError `"NO_SUCH_MEMBER"` */
  member(path: string): BtfValue {
    const types = this.#memory.requireTypes();
    const place = findMember(types, this.typeId, path);
    if (place === undefined) throw new BpfError("NO_SUCH_MEMBER", `${this.typeName} has no ${path}`, { path });
    const at = this.address + place.bitOffset / 8;
    return decodeValue(types, place.type, this.#memory.bytes(at, types.size(place.type)!));
  }

  /** Sets members; the others stay. @throws BpfError `"BTF_VALUE"` for one that is not of its type, or not there. */
  set(members: { readonly [member: string]: KernelValue }): void {
    const types = this.#memory.requireTypes();
    const value = this.#memory.resolve(this.typeId, members, this.#owned);
    const bytes = this.#memory.bytes(this.address, types.size(this.typeId)!);
    valueEncoder(types, this.typeId)(value, bytes);
    this.#memory.write(this.address, bytes);
  }

  /** Gives its memory back. Twice is harmless; what still points there reads nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#memory.free(this.address);
    for (const each of this.#owned) each.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Bytes that a pointer of the kernel's leads to. */
export class KernelBytes {
  readonly address: number;
  readonly #memory: KernelMemory;

  /** @internal */
  constructor(memory: KernelMemory, address: number) {
    this.#memory = memory;
    this.address = address;
  }

  close(): void {
    this.#memory.free(this.address);
  }
}

/** What programs see as the kernel's memory: objects that the caller makes, by the kernel's types. */
export class KernelMemory {
  /** The kernel's types; without them there are no objects. */
  readonly types: Btf | undefined;
  readonly #runtime: Runtime;
  readonly #sizes = new Map<number, number>();

  constructor(runtime: Runtime, types: Btf | undefined) {
    this.#runtime = runtime;
    this.types = types;
  }

  /** @throws BpfError `"NO_KERNEL_TYPES"` */
  requireTypes(): Btf {
    if (this.types !== undefined) return this.types;
    throw new BpfError("NO_KERNEL_TYPES", "that takes the kernel's types: give the Machine `kernelTypes`");
  }

  /**
   * An object of a struct, by its name or id; members that are not given are 0.
   *
   * @throws BpfError `"NO_KERNEL_TYPES"`, `"NO_SUCH_TYPE"`, `"BTF_VALUE"`
   */
  create(type: string | TypeId, members: { readonly [member: string]: KernelValue } = {}): KernelObject {
    const types = this.requireTypes();
    const typeId = typeof type === "number" ? type : (types.find(type, "struct")[0] ?? types.find(type, "union")[0]);
    const size = typeId === undefined ? undefined : types.size(typeId);
    if (typeId === undefined || size === undefined || size === 0)
      throw new BpfError("NO_SUCH_TYPE", `the kernel's types have no struct ${type}`, { type });
    const object = new KernelObject(this, this.#allocate(types.name(typeId), size), typeId);
    try {
      if (Object.keys(members).length > 0) object.set(members);
    } catch (error) {
      object.close();
      throw error;
    }
    return object;
  }

  /** Bytes for a pointer to lead to; of a text with its NUL. */
  createBytes(bytes: Uint8Array | string): KernelBytes {
    const content = typeof bytes === "string" ? encodeText(`${bytes}\0`) : bytes;
    const address = this.#allocate("kernel memory", Math.max(1, content.length));
    this.write(address, content);
    return new KernelBytes(this, address);
  }

  /**
   * A value's pointers as addresses; texts and bytes for pointers get memory of their own, which is added to `owned`.
   *
   * @internal
   */
  resolve(typeId: TypeId, value: KernelValue, owned: KernelBytes[]): BtfValue {
    if (value instanceof KernelObject) return BigInt(value.address);
    const types = this.requireTypes();
    const type = types.type(resolve(types, typeId));
    if (type.kind === "ptr" && (typeof value === "string" || value instanceof Uint8Array)) {
      const bytes = this.createBytes(value);
      owned.push(bytes);
      return BigInt(bytes.address);
    }
    if (typeof value !== "object" || value instanceof Uint8Array) return value;
    if (type.kind === "array" && Array.isArray(value))
      return value.map((each: KernelValue) => this.resolve(type.type, each, owned));
    if (type.kind !== "struct" && type.kind !== "union") return value as BtfValue;
    const members = Object.entries(value as { readonly [member: string]: KernelValue });
    return Object.fromEntries(
      members.map(([name, each]) => {
        const place = findMember(types, typeId, name);
        // The encoder has the message for a member that isn't there.
        return [name, place === undefined ? 0 : this.resolve(place.type, each, owned)];
      }),
    );
  }

  /** Encodes a value of a type. @internal */
  encode(typeId: TypeId, value: KernelValue, owned: KernelBytes[]): Uint8Array {
    return encodeValue(this.requireTypes(), typeId, this.resolve(typeId, value, owned));
  }

  /** @internal */
  bytes(address: number, length: number): Uint8Array {
    return this.#runtime.memory.copy(address, length);
  }

  /** @internal */
  write(address: number, bytes: Uint8Array): void {
    this.#runtime.memory.u8.set(bytes, address);
  }

  /** @internal */
  free(address: number): void {
    if (!this.#sizes.delete(address)) return;
    this.#runtime.regions.remove(address);
    this.#runtime.memory.free(address);
  }

  #allocate(name: string, size: number): number {
    const length = Math.ceil(size / 8) * 8;
    const start = this.#runtime.memory.alloc(length);
    this.#runtime.regions.add({ name, start, length, stride: length, offset: 0, size, writable: true });
    this.#sizes.set(start, size);
    return start;
  }
}
