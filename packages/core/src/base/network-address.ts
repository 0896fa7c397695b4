import { BpfError } from "./errors.js";

/**
 * Bytes of a network address, in network order: IPv4 (`"10.0.0.1"`, 4 bytes), MAC (`"02:00:00:00:00:01"`, 6 bytes) or
 * IPv6 (`"fe80::1"`, `"::ffff:10.0.0.1"`, 16 bytes). Undefined for anything else.
 *
 * @see RFC 4291 section 2.2
 */
export function parseAddress(text: string): Uint8Array | undefined {
  return readMac(text) ?? readIpv4(text) ?? readIpv6(text);
}

function required(bytes: Uint8Array | undefined, kind: string, text: string): Uint8Array {
  if (bytes === undefined) throw new BpfError("ADDRESS", `'${text}' is no ${kind} address`, { text });
  return bytes;
}

/** `"02:00:00:00:00:01"` to 6 bytes. @throws BpfError `"ADDRESS"` */
export function parseMac(text: string): Uint8Array {
  return required(readMac(text), "MAC", text);
}

function readMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (part) => Number.parseInt(part, 16));
}

/** 6 bytes to `"02:00:00:00:00:01"`. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** `"10.0.0.1"` to 4 bytes. @throws BpfError `"ADDRESS"` */
export function parseIpv4(text: string): Uint8Array {
  return required(readIpv4(text), "IPv4", text);
}

function readIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return Uint8Array.from(parts, Number);
}

/** 4 bytes to `"10.0.0.1"`. */
export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** `"2001:db8::1"`, `"::ffff:10.0.0.1"` to 16 bytes. @throws BpfError `"ADDRESS"` */
export function parseIpv6(text: string): Uint8Array {
  return required(readIpv6(text), "IPv6", text);
}

function readIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !/^[0-9a-f:.]+$/i.test(text)) return undefined;
  const [head, tail] = halves.map(readGroups);
  if (head === undefined || (tail === undefined && halves.length === 2)) return undefined;
  // Four bytes with dots stand at the end only.
  if (/\..*:/.test(text)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])]);
}

/** Bytes of groups with colons between; undefined where one of them is none. */
function readGroups(half: string): number[] | undefined {
  const bytes: number[] = [];
  for (const part of half === "" ? [] : half.split(":")) {
    const dotted = readIpv4(part);
    if (dotted === undefined && !/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
    const group = Number.parseInt(part, 16);
    bytes.push(...(dotted ?? [group >> 8, group & 0xff]));
  }
  return bytes;
}

/** 16 bytes to the shortest text, as RFC 5952 has it. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) => (bytes[at * 2]! << 8) | bytes[at * 2 + 1]!);
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `::ffff:${formatIpv4(bytes.subarray(12))}`;
  }
  const [start, length] = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}
