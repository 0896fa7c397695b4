import { encodeText } from "@tsbpf/core/base";
import { type AttrField, type AttrFieldName, type BpfCommand, bpfCommands } from "./attributes.js";
import { syscallError } from "./errno.js";
import { lastErrno, libc } from "./libc.js";
import { addressOf, cString, keepAlive, NativeBuffer, setU64 } from "./memory.js";

/**
 * A value for an attr field: a number or bigint as it is, bytes as a pointer to them (null pointer when undefined), a
 * string as a pointer to a NUL-terminated copy, or as the text itself in a name field.
 */
export type AttrValue = number | bigint | ArrayBufferView | string | undefined;

/** Fields of a command's `union bpf_attr`. */
export type Attr<C extends BpfCommand> = { readonly [F in AttrFieldName<C>]?: AttrValue };

const sizes = new Map<BpfCommand, number>();

/** Bytes of a command's attr: up to the end of its last field, rounded up to 8. */
export function attrSize(command: BpfCommand): number {
  let size = sizes.get(command);
  if (size === undefined) {
    size = 0;
    for (const field of Object.values<AttrField>(bpfCommands[command].attr)) {
      size = Math.max(size, field.offset + field.size);
    }
    size = (size + 7) & ~7;
    sizes.set(command, size);
  }
  return size;
}

/**
 * One bpf(2) call: its attr is filled by field name, and read again afterwards where the kernel answers in it. An attr
 * that is longer than an old kernel's is taken by that kernel as long as the rest is zero.
 */
export class BpfCall<C extends BpfCommand> {
  readonly command: C;
  readonly #attr: NativeBuffer;
  /** What the attr points to must outlive the call. */
  readonly #pinned: unknown[] = [];

  constructor(command: C, attr: Attr<C>) {
    this.command = command;
    this.#attr = new NativeBuffer(attrSize(command));
    for (const field in attr) this.set(field as AttrFieldName<C>, attr[field as AttrFieldName<C>]);
  }

  set(name: AttrFieldName<C>, value: AttrValue): this {
    if (value === undefined) return this;
    const field = this.#field(name);
    const { view, bytes } = this.#attr;
    if (field.size === 4) {
      view.setUint32(field.offset, Number(value), true);
    } else if (field.size === 16) {
      const text = encodeText(String(value)).subarray(0, 15);
      bytes.fill(0, field.offset, field.offset + 16).set(text, field.offset);
    } else if (typeof value === "bigint") {
      view.setBigUint64(field.offset, BigInt.asUintN(64, value), true);
    } else {
      setU64(view, field.offset, this.#numberOf(value));
    }
    return this;
  }

  /** A u32 field, as the kernel left it. */
  get(name: AttrFieldName<C>): number {
    return this.#attr.view.getUint32(this.#field(name).offset, true);
  }

  /** A u64 field, as the kernel left it. */
  get64(name: AttrFieldName<C>): bigint {
    return this.#attr.view.getBigUint64(this.#field(name).offset, true);
  }

  /** Makes the call: its result (0, or a new fd), or the negative errno. */
  try(): number {
    const result = libc().bpf(bpfCommands[this.command].number, this.#attr.address, this.#attr.length);
    const answer = result < 0 ? -lastErrno() : result;
    keepAlive(this);
    return answer;
  }

  /**
   * Makes the call.
   *
   * @param what Subject for an error's message: `"of 'flows'"`.
   * @throws SyscallError
   */
  run(what?: string): number {
    const result = this.try();
    if (result < 0) throw syscallError(what === undefined ? this.command : `${this.command} ${what}`, -result);
    return result;
  }

  #field(name: AttrFieldName<C>): AttrField {
    return (bpfCommands[this.command].attr as Record<string, AttrField>)[name]!;
  }

  #numberOf(value: number | ArrayBufferView | string): number {
    if (typeof value === "number") return value;
    const bytes = typeof value === "string" ? cString(value) : value;
    if (bytes.byteLength === 0) return 0;
    this.#pinned.push(bytes);
    return addressOf(bytes);
  }
}

/** {@link BpfCall.run} in one line, for commands that answer with their result alone. */
export function bpf<C extends BpfCommand>(command: C, attr: Attr<C>, what?: string): number {
  return new BpfCall(command, attr).run(what);
}
