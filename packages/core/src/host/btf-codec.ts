import { type Btf, type BtfValue, encodeValue, type TypeId, type ValueDecoder, valueDecoder } from "../btf/index.js";
import type { MapSpec } from "../spec/index.js";
import type { MapCodecs } from "./map.js";
import { type BytesLike, bytesCodec, type ValueCodec } from "./value-codec.js";

/**
 * Values of a BTF type, as `decodeValue` and `encodeValue` of the btf room give and take them. Bytes that are too short
 * for the type (an event of another kind in the same ring) stay bytes.
 */
export function btfCodec(btf: Btf, typeId: TypeId): ValueCodec<BtfValue> {
  // Compiled when first used: most of an object's types never are.
  let decode: ValueDecoder | undefined;
  const size = btf.size(typeId) ?? 0;
  return {
    size,
    decode: (bytes) => {
      if (bytes.length < size) return bytes;
      decode ??= valueDecoder(btf, typeId);
      return decode(bytes);
    },
    encode: (value) => encodeValue(btf, typeId, value),
  };
}

/** A map's codecs: by its BTF types where it has them, else bytes. */
export function mapCodecs(
  spec: Pick<MapSpec, "keySize" | "valueSize" | "keyTypeId" | "valueTypeId">,
  btf: Btf | undefined,
): MapCodecs<BtfValue | BytesLike, BtfValue | BytesLike> {
  return {
    key: typedCodec(btf, spec.keyTypeId, spec.keySize),
    value: typedCodec(btf, spec.valueTypeId, spec.valueSize),
  };
}

/**
 * The codec of `size` bytes of a type; of bytes where the type is unknown, has no values, or is of another size (0 takes
 * any).
 */
export function typedCodec(btf: Btf | undefined, typeId: TypeId, size: number): ValueCodec<BtfValue | BytesLike> {
  const fits =
    btf !== undefined && typeId !== 0 && (size === 0 ? btf.size(typeId) !== undefined : btf.size(typeId) === size);
  return (fits ? btfCodec(btf, typeId) : bytesCodec(size)) as ValueCodec<BtfValue | BytesLike>;
}
