import { type Btf, type BtfValue, encodeValue, parseAddress } from "@tsbpf/core/btf";
import { type BpfMap, type BytesLike, bytesCodec, perCpuStride } from "@tsbpf/core/host";
import type { MapSpec, ObjectSpec } from "@tsbpf/core/spec";
import { CommandError, UsageError } from "../command-error.js";
import { readInput } from "../object-file.js";

/** One entry to put into a map before the run. */
export interface MapContent {
  readonly map: string;
  readonly key: unknown;
  readonly value: unknown;
  /** What to name in messages. */
  readonly source: string;
}

/** Takes `NAME:KEY=VALUE` apart. Key and value are JSON where they read as JSON, else text. */
export function parseMapOption(text: string): MapContent {
  const match = /^([^:=]+):(.*?[^=<>!])=(?!=)(.*)$/s.exec(text);
  if (match === null) throw new UsageError(`--map takes NAME:KEY=VALUE, not '${text}'`);
  return { map: match[1]!, key: parseText(match[2]!), value: parseText(match[3]!), source: `--map ${text}` };
}

/** Reads `{"NAME": [{"key": KEY, "value": VALUE}, ...], ...}`. */
export async function readMapFile(file: string): Promise<MapContent[]> {
  const text = new TextDecoder().decode(await readInput(file));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new CommandError(`${file}: an object of map names is needed`);
  }
  return Object.entries(parsed).flatMap(([map, entries]) => {
    if (!Array.isArray(entries)) throw new CommandError(`${file}: the entries of '${map}' are no array`);
    return entries.map((entry: { key?: unknown; value?: unknown }, index) => {
      if (typeof entry !== "object" || entry === null || !("value" in entry)) {
        throw new CommandError(`${file}: ${map}[${index}] needs "key" and "value"`);
      }
      return { map, key: entry.key, value: entry.value, source: `${file}: ${map}[${index}]` };
    });
  });
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Writes an entry into a live map. @throws CommandError naming the entry. */
export function putContent(object: ObjectSpec, maps: Readonly<Record<string, BpfMap>>, content: MapContent): void {
  const map = maps[content.map];
  const spec = object.maps.get(content.map);
  if (map === undefined || spec === undefined) {
    throw new CommandError(`${content.source}: there is no map '${content.map}'`, mapsHint(object));
  }
  try {
    const key = spec.keySize === 0 ? new Uint8Array(0) : encodeKey(object.btf, spec, content.key);
    map.raw.update(key, forEveryCpu(map, encodeSide(object.btf, spec.valueTypeId, spec.valueSize, content.value)));
  } catch (error) {
    throw new CommandError(`${content.source}: ${(error as Error).message}`, { cause: error });
  }
}

function encodeKey(btf: Btf | undefined, spec: MapSpec, key: unknown): Uint8Array {
  if (spec.type === "lpm_trie" && typeof key === "string") {
    const prefix = encodePrefix(key, spec.keySize);
    if (prefix !== undefined) return prefix;
  }
  return encodeSide(btf, spec.keyTypeId, spec.keySize, key);
}

const PREFIX_LENGTH_SIZE = 4;

/** `10.0.0.0/8` or `2001:db8::/32` as an LPM trie's key: the length in bits, then the address. */
function encodePrefix(text: string, keySize: number): Uint8Array | undefined {
  const match = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match && parseAddress(match[1]!);
  if (!match || !address || address.length > keySize - PREFIX_LENGTH_SIZE) return undefined;
  const bits = match[2] === undefined ? address.length * 8 : Number(match[2]);
  if (bits > address.length * 8) throw new UsageError(`a prefix of ${text} has at most ${address.length * 8} bits`);
  const key = new Uint8Array(keySize);
  new DataView(key.buffer).setUint32(0, bits, true);
  key.set(address, PREFIX_LENGTH_SIZE);
  return key;
}

/** Bytes of a key or value: hex after `hex:`, typed by BTF, or an integer where there is no BTF. */
function encodeSide(btf: Btf | undefined, typeId: number, size: number, value: unknown): Uint8Array {
  if (typeof value === "string" && value.startsWith("hex:")) return sized(parseHex(value.slice(4)), size);
  if (btf !== undefined && typeId !== 0) return encodeValue(btf, typeId, value as BtfValue);
  const address = typeof value === "string" ? parseAddress(value) : undefined;
  if (address !== undefined) return sized(address, size);
  const numeral = typeof value === "string" && /^-?(0x[0-9a-f]+|\d+)$/i.test(value) ? BigInt(value) : value;
  if (typeof numeral === "string" || typeof numeral === "object") {
    throw new UsageError(`without BTF a number, an address or hex:... is needed, not ${JSON.stringify(value)}`);
  }
  return bytesCodec(size).encode(numeral as BytesLike);
}

function parseHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) throw new UsageError(`'${text}' is not hex`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function sized(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length !== size) throw new UsageError(`${size} bytes are needed, not ${bytes.length}`);
  return bytes;
}

/** One CPU's value, repeated as a per-CPU map takes it. */
function forEveryCpu(map: BpfMap, value: Uint8Array): Uint8Array {
  if (!map.perCpu) return value;
  const all = new Uint8Array(map.raw.transferSize);
  const stride = perCpuStride(value.length);
  for (let at = 0; at < all.length; at += stride) all.set(value, at);
  return all;
}

/** Sets a global variable's initial value from `NAME=VALUE`. */
export function setVariable(object: ObjectSpec, text: string): void {
  const match = /^([^=]+)=(.*)$/s.exec(text);
  if (match === null) throw new UsageError(`--set takes NAME=VALUE, not '${text}'`);
  const variable = object.variables.get(match[1]!);
  if (variable === undefined) {
    throw new CommandError(`--set ${text}: there is no global variable '${match[1]}'`, {
      hint: `the object has ${[...object.variables.keys()].join(", ") || "no global variables"}`,
    });
  }
  try {
    variable.set(encodeSide(object.btf, variable.typeId, variable.size, parseText(match[2]!)));
  } catch (error) {
    throw new CommandError(`--set ${text}: ${(error as Error).message}`, { cause: error });
  }
}

/** Sets a map's `max_entries` from `NAME=N`. */
export function resizeMap(object: ObjectSpec, text: string): void {
  const match = /^([^=]+)=(\d+)$/.exec(text);
  if (match === null) throw new UsageError(`--resize takes NAME=N, not '${text}'`);
  const map = object.maps.get(match[1]!);
  if (map === undefined) throw new CommandError(`--resize ${text}: there is no map '${match[1]}'`, mapsHint(object));
  map.maxEntries = Number(match[2]);
}

function mapsHint(object: ObjectSpec): { hint: string } {
  return { hint: `the object has ${[...object.maps.keys()].join(", ") || "no maps"}` };
}
