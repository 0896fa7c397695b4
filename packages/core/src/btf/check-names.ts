import { encodeText } from "../base/index.js";

/** KSYM_NAME_LEN. */
const MAX_LENGTH = 512;

/** An identifier to the kernel: letters, digits, underscores and dots, no digit first, up to 512 bytes. */
export function isKernelIdentifier(name: string): boolean {
  if (/^[A-Za-z_.][A-Za-z0-9_.]*$/.test(name)) return name.length <= MAX_LENGTH;
  const bytes = encodeText(name);
  return bytes.length > 0 && bytes.length <= MAX_LENGTH && bytes.every((byte, i) => isNameByte(byte, i === 0));
}

/** Kernel character classes know Latin-1, where UTF-8 has the bytes of other letters. */
function isNameByte(byte: number, first: boolean): boolean {
  const lower = byte | 0x20;
  if ((lower >= 0x61 && lower <= 0x7a) || byte === 0x5f || byte === 0x2e) return true;
  if (byte >= 0xc0) return byte !== 0xd7 && byte !== 0xf7;
  return !first && byte >= 0x30 && byte <= 0x39;
}

/** A section's name to the kernel: printable bytes, up to 512. */
export function isSectionName(name: string): boolean {
  const bytes = encodeText(name);
  return (
    bytes.length > 0 &&
    bytes.length <= MAX_LENGTH &&
    bytes.every((byte) => byte >= 0xa0 || (byte >= 0x20 && byte < 0x7f))
  );
}
