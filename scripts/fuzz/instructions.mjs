export const [R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

export function insn(opcode, dst = 0, src = 0, offset = 0, imm = 0) {
  return { opcode, dst, src, offset, imm };
}
export const mov = (dst, imm) => insn(0xb7, dst, 0, 0, imm);
export const movReg = (dst, src) => insn(0xbf, dst, src);
export const addImm = (dst, imm) => insn(0x07, dst, 0, 0, imm);
export const addReg = (dst, src) => insn(0x0f, dst, src);
export const call = (id) => insn(0x85, 0, 0, 0, id);
export const exit = () => insn(0x95);
export const lddw = (dst, src, low, high = 0) => [insn(0x18, dst, src, 0, low), insn(0, 0, 0, 0, high)];

const sizes = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
export const load = (size, dst, src, offset) => insn(0x61 | sizes[size], dst, src, offset);
export const loadSigned = (size, dst, src, offset) => insn(0x81 | sizes[size], dst, src, offset);
export const store = (size, dst, src, offset) => insn(0x63 | sizes[size], dst, src, offset);
export const storeImm = (size, dst, offset, imm) => insn(0x62 | sizes[size], dst, 0, offset, imm);
export const atomic = (size, dst, src, offset, operation) => insn(0xc3 | sizes[size], dst, src, offset, operation);

export function encode(code) {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(({ opcode, dst, src, offset, imm }, slot) => {
    bytes[8 * slot] = opcode;
    bytes[8 * slot + 1] = (src << 4) | dst;
    view.setInt16(8 * slot + 2, offset, true);
    view.setInt32(8 * slot + 4, imm, true);
  });
  return bytes;
}

export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, slot) => {
    const at = 8 * slot;
    return insn(
      bytes[at],
      bytes[at + 1] & 15,
      bytes[at + 1] >> 4,
      view.getInt16(at + 2, true),
      view.getInt32(at + 4, true),
    );
  });
}
