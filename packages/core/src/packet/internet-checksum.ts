/**
 * Adds big-endian 16-bit words to a running sum, without folding; an odd last byte counts as the upper half of a word.
 * Start with 0 and chain calls for data in pieces (all but the last of even length).
 */
export function addToChecksum(sum: number, bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let total = sum;
  let at = start;
  for (; at + 1 < end; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < end) total += bytes[at]! << 8;
  return total;
}

/** Folds a sum to the 16-bit one's complement that goes into a header. @see RFC 1071 */
export function foldChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** The Internet checksum of `bytes`. Over data that contain a right checksum it is 0. @see RFC 1071 */
export function internetChecksum(bytes: Uint8Array): number {
  return foldChecksum(addToChecksum(0, bytes));
}
