import { BpfError } from "../base/index.js";

/** How keys, values and events become JavaScript values. BTF gives richer ones than {@link bytesCodec}. */
export interface ValueCodec<T> {
  /** Bytes; 0 where any length is taken. */
  readonly size: number;
  decode(bytes: Uint8Array): T;
  /** @throws BpfError `"VALUE"` for a value that doesn't fit. */
  encode(value: T): Uint8Array;
}

/** What {@link bytesCodec} takes: bytes, or an integer to be written little-endian over the whole size. */
export type BytesLike = Uint8Array | number | bigint | boolean;

/** The codec of data without BTF: bytes out; bytes or an integer in. */
export function bytesCodec(size: number): ValueCodec<BytesLike> {
  return {
    size,
    decode: (bytes) => bytes,
    encode: (value) => (value instanceof Uint8Array ? value : encodeInteger(value, size)),
  };
}

function encodeInteger(value: number | bigint | boolean, size: number): Uint8Array {
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw new BpfError("VALUE", `${value} is not an integer`, { value, size });
  }
  const integer = BigInt(value);
  const limit = 1n << (BigInt(size) * 8n);
  if (integer >= limit || integer < -limit / 2n) {
    throw new BpfError("VALUE", `${integer} does not fit into ${size} bytes`, { value: integer, size });
  }
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(size * 8, integer);
  for (let at = 0; at < size; at++) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
