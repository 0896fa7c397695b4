import { mapTypeName } from "@tsbpf/core/abi";
import { type Btf, type FormattedValue, formatValue, stringifyFormatted, valueWriter } from "@tsbpf/core/btf";
import { isPerCpuMap, perCpuStride } from "@tsbpf/core/host";
import type { MapDetails } from "@tsbpf/linux";

const quotedBytes = Array.from({ length: 256 }, (_, byte) => `"0x${byte.toString(16).padStart(2, "0")}"`);
const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Writes the entries of one map, in bpftool's forms. */
export class EntryFormat {
  readonly #info: MapDetails;
  readonly #btf: Btf | undefined;
  readonly #perCpu: boolean;
  /** Key and value as JSON, made when first asked for; per-CPU values are written as trees. */
  #writers: { readonly key: (bytes: Uint8Array) => string; readonly value: (bytes: Uint8Array) => string } | undefined;

  /** @param btf Types of the map's keys and values, where it has them. */
  constructor(info: MapDetails, btf: Btf | undefined) {
    const type = mapTypeName(info.type);
    this.#info = info;
    this.#btf = info.valueTypeId === 0 && info.keyTypeId === 0 ? undefined : btf;
    this.#perCpu = type !== undefined && isPerCpuMap(type);
  }

  /** Are keys and values formatted by type? */
  get typed(): boolean {
    return this.#btf !== undefined;
  }

  json(key: Uint8Array, value: Uint8Array): string {
    const values = this.#perCpu
      ? `"values":[${this.#cpus(value).map((each, cpu) => `{"cpu":${cpu},"value":${bytesJson(each)}}`)}]`
      : `"value":${bytesJson(value)}`;
    const formatted = this.typed ? `,"formatted":${this.#formattedJson(key, value)}` : "";
    return `{"key":${bytesJson(key)},${values}${formatted}}`;
  }

  /** @param depth Levels of 4 spaces that a typed entry stands deep. */
  text(key: Uint8Array, value: Uint8Array, depth: number): string {
    if (this.typed) return stringifyFormatted(this.#formatted(key, value, true), { pretty: true, depth });
    const { keySize, valueSize } = this.#info;
    if (this.#perCpu) {
      const break_ = valueSize > 16 ? "\n" : " ";
      const values = this.#cpus(value).map(
        (each, cpu) => `value (CPU ${String(cpu).padStart(2, "0")}):${break_}${bytesText(each)}`,
      );
      return [`key:\n${bytesText(key)}`, ...values].join("\n");
    }
    const value_ = bytesText(value);
    if (keySize === 0) return `value:${valueSize > 16 ? "\n" : " "}${value_}`;
    const oneLine = keySize + valueSize <= 24 && keySize <= 16 && valueSize <= 16;
    return oneLine ? `key: ${bytesText(key)}  value: ${value_}` : `key:\n${bytesText(key)}\nvalue:\n${value_}`;
  }

  #formattedJson(key: Uint8Array, value: Uint8Array): string {
    const { keyTypeId, valueTypeId } = this.#info;
    if (this.#perCpu || keyTypeId === 0) return stringifyFormatted(this.#formatted(key, value, false));
    this.#writers ??= { key: valueWriter(this.#btf!, keyTypeId), value: valueWriter(this.#btf!, valueTypeId) };
    return `{"key":${this.#writers.key(key)},"value":${this.#writers.value(value)}}`;
  }

  #cpus(value: Uint8Array): Uint8Array[] {
    const { valueSize } = this.#info;
    const stride = perCpuStride(valueSize);
    return Array.from({ length: value.length / stride }, (_, cpu) =>
      value.subarray(cpu * stride, cpu * stride + valueSize),
    );
  }

  #formatted(key: Uint8Array, value: Uint8Array, plain: boolean): FormattedValue {
    const { keyTypeId, valueTypeId } = this.#info;
    const format = (type: number, bytes: Uint8Array) => formatValue(this.#btf!, type, bytes, { plain });
    const members: [string, FormattedValue][] = [];
    if (keyTypeId !== 0) members.push(["key", format(keyTypeId, key)]);
    if (this.#perCpu) {
      const elements = this.#cpus(value).map((each, cpu) => ({
        members: [
          ["cpu", String(cpu)],
          ["value", format(valueTypeId, each)],
        ] as [string, FormattedValue][],
      }));
      members.push(["values", { elements }]);
    } else {
      members.push(["value", format(valueTypeId, value)]);
    }
    return { members };
  }
}

/** `["0x01","0x00"]` */
export function bytesJson(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += (i === 0 ? "" : ",") + quotedBytes[bytes[i]!]!;
  return `[${text}]`;
}

/** Sixteen bytes a line, in two groups of eight. */
export function bytesText(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    if (i > 0) text += i % 16 === 0 ? "\n" : i % 8 === 0 ? "  " : " ";
    text += hexBytes[bytes[i]!]!;
  }
  return text;
}
