/**
 * Bytes of a network address, in network order: IPv4 (`"10.0.0.1"`, 4 bytes), MAC (`"02:00:00:00:00:01"`, 6 bytes) or
 * IPv6 (`"fe80::1"`, `"::ffff:10.0.0.1"`, 16 bytes). Undefined for anything else.
 *
 * @see RFC 4291 section 2.2
 */
export function parseAddress(text: string): Uint8Array | undefined {
  return parseMac(text) ?? parseIpv4(text) ?? parseIpv6(text);
}

function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

function parseIpv4(text: string): Uint8Array | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split(".").map(Number);
  return parts.every((part) => part < 256) ? Uint8Array.from(parts) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const dotted = /^(.*:)(\d[\d.]*)$/.exec(text);
  if (dotted?.[2]?.includes(".")) {
    const last = parseIpv4(dotted[2]);
    if (last === undefined) return undefined;
    const word = (at: number) => ((last[at]! << 8) | last[at + 1]!).toString(16);
    return parseIpv6(`${dotted[1]}${word(0)}:${word(2)}`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = head!.length + (tail?.length ?? 0);
  if (tail === undefined ? given !== 8 : given > 7) return undefined;
  const words = [...head!, ...new Array<string>(8 - given).fill("0"), ...(tail ?? [])];
  if (!words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined;
  return Uint8Array.from(words.flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]));
}
