import { BpfError } from "../base/index.js";

function bad(kind: string, text: string): never {
  throw new BpfError("ADDRESS", `'${text}' is no ${kind} address`, { text });
}

/** `"02:00:00:00:00:01"` to 6 bytes. @throws BpfError `"ADDRESS"` */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}$/i.test(text)) bad("MAC", text);
  return Uint8Array.from(text.split(/[:-]/), (part) => Number.parseInt(part, 16));
}

/** 6 bytes to `"02:00:00:00:00:01"`. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** `"10.0.0.1"` to 4 bytes. @throws BpfError `"ADDRESS"` */
export function parseIpv4(text: string): Uint8Array {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) bad("IPv4", text);
  return Uint8Array.from(parts, Number);
}

/** 4 bytes to `"10.0.0.1"`. */
export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** `"2001:db8::1"`, `"::ffff:10.0.0.1"` to 16 bytes. @throws BpfError `"ADDRESS"` */
export function parseIpv6(text: string): Uint8Array {
  const halves = text.split("::");
  if (halves.length > 2 || !/^[0-9a-f:.]+$/i.test(text)) bad("IPv6", text);
  const [head, tail] = halves.map((half) =>
    half === "" ? [] : half.split(":").flatMap((part) => groupBytes(part, text)),
  );
  const missing = 16 - head!.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 2) bad("IPv6", text);
  return Uint8Array.from([...head!, ...new Array<number>(missing).fill(0), ...(tail ?? [])]);
}

function groupBytes(part: string, text: string): number[] {
  if (part.includes(".")) return [...parseIpv4(part)];
  if (!/^[0-9a-f]{1,4}$/i.test(part)) bad("IPv6", text);
  const group = Number.parseInt(part, 16);
  return [group >> 8, group & 0xff];
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
