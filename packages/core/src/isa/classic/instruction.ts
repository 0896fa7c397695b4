import { ByteReader, ByteWriter, FormatError } from "../../base/index.js";

/**
 * One instruction of classic BPF, `struct sock_filter`: registers A and X of 32 bits, memory words M[0] to M[15].
 *
 *     bytes 0-1   byte 2   byte 3   bytes 4-7
 *     code        jt       jf       k
 *
 * @see https://docs.kernel.org/networking/filter.html
 */
export interface ClassicInstruction {
  readonly code: number;
  /** Instructions to skip where a condition holds, and where it does not. */
  readonly jt: number;
  readonly jf: number;
  /** Unsigned 32 bits: constant, packet offset, index of a memory word, or distance. */
  readonly k: number;
}

/** Bytes of one classic instruction. */
export const CLASSIC_INSTRUCTION_SIZE = 8;

/** Most instructions that the kernel takes (BPF_MAXINSNS). */
export const CLASSIC_MAX_INSTRUCTIONS = 4096;

/** Words of scratch memory (BPF_MEMWORDS). */
export const CLASSIC_MEMORY_WORDS = 16;

/**
 * Little-endian `struct sock_filter` records to instructions.
 *
 * @throws FormatError when the length is no multiple of 8.
 */
export function decodeClassic(bytes: Uint8Array): ClassicInstruction[] {
  if (bytes.length % CLASSIC_INSTRUCTION_SIZE !== 0) {
    throw new FormatError(`a classic program's size is a multiple of 8 bytes, not ${bytes.length}`, {
      offset: bytes.length - (bytes.length % CLASSIC_INSTRUCTION_SIZE),
    });
  }
  const reader = new ByteReader(bytes);
  const program: ClassicInstruction[] = [];
  while (reader.remaining > 0) {
    program.push({ code: reader.u16(), jt: reader.u8(), jf: reader.u8(), k: reader.u32() });
  }
  return program;
}

/** Instructions to little-endian `struct sock_filter` records, as SO_ATTACH_FILTER takes them. */
export function encodeClassic(program: Iterable<ClassicInstruction>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter({ capacity: 256 });
  for (const { code, jt, jf, k } of program) writer.u16(code).u8(jt).u8(jf).u32(k);
  return writer.finish();
}
