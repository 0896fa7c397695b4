// TextEncoder and TextDecoder exist wherever JavaScript runs, but their types belong to the DOM and Node libraries,
// neither of which portable code may see.
interface Decoder {
  decode(bytes: Uint8Array): string;
}
interface Encoder {
  encode(text: string): Uint8Array;
}
const portable = globalThis as unknown as {
  TextDecoder: new (label: string) => Decoder;
  TextEncoder: new () => Encoder;
};

const decoder = new portable.TextDecoder("utf-8");
const encoder = new portable.TextEncoder();

/** UTF-8 bytes to a string; malformed sequences become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  // A decoder refuses views of shared memory, and the linear memory may be shared.
  return decoder.decode(bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice());
}

/** Up to here a loop is faster than the platform's encoder, which costs some 0.7 us a call in Node. */
const SHORT = 256;

/** A string to UTF-8 bytes, without a terminating NUL. */
export function encodeText(text: string): Uint8Array {
  const { length } = text;
  if (length > SHORT) return encoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return encoder.encode(text);
    bytes[i] = unit;
  }
  return bytes;
}
