import { BpfError } from "../../base/index.js";
import { type BtfFuncProto, functionPrototype, resolve, type TypeId } from "../../btf/index.js";
import { type KernelBytes, type KernelMemory, KernelObject, type KernelValue } from "../../runtime/index.js";

/** What closes with the event that it was made for. */
export type EventMemory = { close(): void }[];

/** Arguments of a function or tracepoint as the u64s that programs find, by the types that the kernel has for them. */
export class EventArguments {
  readonly #kernel: KernelMemory;

  constructor(kernel: KernelMemory) {
    this.#kernel = kernel;
  }

  /** A kernel function's parameters; undefined where its type isn't known. */
  ofFunction(name: string): BtfFuncProto | undefined {
    const { types } = this.#kernel;
    const [id] = types?.find(name, "func") ?? [];
    return id === undefined ? undefined : functionPrototype(types!, id);
  }

  /** A raw tracepoint's arguments: the parameters of the function that calls its programs, but for the first. */
  ofTracepoint(name: string): readonly TypeId[] | undefined {
    return this.ofFunction(`__bpf_trace_${name}`)
      ?.params.slice(1)
      .map(({ type }) => type);
  }

  /**
   * Puts values into u64s. What is made for them (structs and texts that pointers lead to) is added to `memory`.
   *
   * @param types of the values, where they are known; without them, values are integers, texts, bytes or objects.
   * @throws BpfError `"ARGUMENT"` for more or fewer values than types, and for one that cannot be encoded.
   */
  encode(
    what: string,
    values: readonly KernelValue[],
    types: readonly TypeId[] | undefined,
    memory: EventMemory,
  ): bigint[] {
    if (types !== undefined && types.length !== values.length) {
      throw new BpfError("ARGUMENT", `${what} has ${types.length} arguments, not ${values.length}`, { what });
    }
    return values.flatMap((value, index) => {
      try {
        return this.#encode(value, types?.[index], memory);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new BpfError("ARGUMENT", `argument ${index} of ${what}: ${reason}`, { what, index }, cause);
      }
    });
  }

  #encode(value: KernelValue, type: TypeId | undefined, memory: EventMemory): bigint[] {
    if (value instanceof KernelObject) return [BigInt(value.address)];
    const types = this.#kernel.types;
    const resolved = type === undefined || types === undefined ? undefined : types.type(resolve(types, type));
    if (resolved === undefined || resolved.kind === "ptr") return [this.#pointer(value, resolved?.type, memory)];
    const owned: KernelBytes[] = [];
    const bytes = this.#kernel.encode(type!, value, owned);
    memory.push(...owned);
    const words = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
    words.set(bytes);
    return [...new BigUint64Array(words.buffer)];
  }

  #pointer(value: KernelValue, pointee: TypeId | undefined, memory: EventMemory): bigint {
    if (typeof value === "number" || typeof value === "bigint") return BigInt.asUintN(64, BigInt(value));
    if (typeof value === "boolean") return value ? 1n : 0n;
    if (typeof value === "string" || value instanceof Uint8Array) {
      const bytes = this.#kernel.createBytes(value);
      memory.push(bytes);
      return BigInt(bytes.address);
    }
    if (pointee === undefined || pointee === 0 || Array.isArray(value))
      throw new BpfError("ARGUMENT", "without a type it is an integer, a text, bytes or an object");
    const types = this.#kernel.requireTypes();
    const object = this.#kernel.create(resolve(types, pointee), value as { readonly [member: string]: KernelValue });
    memory.push(object);
    return BigInt(object.address);
  }
}
