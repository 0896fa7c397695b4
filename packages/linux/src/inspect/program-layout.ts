import { NativeBuffer, objectInfo, setU64 } from "../sys/index.js";
import { PROGRAM_INFO_SIZE } from "../sys/object-info.js";

/** `struct bpf_line_info` of a loaded program. Offsets are of strings in its BTF. */
export interface LineInfoRecord {
  /** Slot in the translated instructions. */
  readonly slot: number;
  readonly fileOffset: number;
  readonly textOffset: number;
  readonly line: number;
  readonly column: number;
}

/** The code of a program and what belongs to its instructions. */
export interface ProgramLayout {
  /** Instructions as the verifier left them. */
  readonly xlated: Uint8Array;
  /** Native code of all functions, end to end; empty where it is not shown. */
  readonly jited: Uint8Array;
  /** Functions in order: where they start, their BTF func, native address and length. */
  readonly functions: readonly { readonly slot: number; readonly typeId: number }[];
  /** Kernel address and length in bytes of each function's native code. */
  readonly nativeFunctions: readonly { readonly address: bigint; readonly length: number }[];
  readonly lines: readonly LineInfoRecord[];
  /** Native address of each line record. */
  readonly nativeLines: readonly bigint[];
}

/** Where `struct bpf_prog_info` has the count, the pointer and the record size of each of its arrays. */
const arrays = {
  ksyms: { count: 104, pointer: 112, record: undefined, size: 8 },
  lengths: { count: 108, pointer: 120, record: undefined, size: 4 },
  functions: { count: 144, pointer: 136, record: 132, size: 8 },
  lines: { count: 148, pointer: 152, record: 172, size: 16 },
  nativeLines: { count: 168, pointer: 160, record: 176, size: 8 },
} as const;

type ArrayName = keyof typeof arrays;

/** Code, functions and lines of a program, as far as the kernel shows them to this process. @throws SyscallError */
export function programLayout(fd: number): ProgramLayout {
  const sizes = objectInfo(fd, PROGRAM_INFO_SIZE).view;
  const jited = new NativeBuffer(sizes.getUint32(16, true));
  const xlated = new NativeBuffer(sizes.getUint32(20, true));
  const names = Object.keys(arrays) as ArrayName[];
  const buffers = Object.fromEntries(
    names.map((name) => [name, new NativeBuffer(sizes.getUint32(arrays[name].count, true) * arrays[name].size)]),
  ) as Record<ArrayName, NativeBuffer>;
  const { view } = objectInfo(fd, PROGRAM_INFO_SIZE, (fields) => {
    setBuffer(fields, 16, 24, jited.length, jited);
    setBuffer(fields, 20, 32, xlated.length, xlated);
    for (const name of names) {
      const { count, pointer, record, size } = arrays[name];
      setBuffer(fields, count, pointer, buffers[name].length / size, buffers[name]);
      if (record !== undefined) fields.setUint32(record, size, true);
    }
  });
  // What the kernel does not show it answers with a null pointer.
  const shown = (pointer: number, bytes: Uint8Array) => (view.getBigUint64(pointer, true) === 0n ? none : bytes);
  const rows = <T>(name: ArrayName, read: (row: DataView) => T): T[] => {
    const { count, pointer, size } = arrays[name];
    if (view.getBigUint64(pointer, true) === 0n) return [];
    const length = Math.min(view.getUint32(count, true), buffers[name].length / size);
    const { view: all } = buffers[name];
    return Array.from({ length }, (_, i) => read(new DataView(all.buffer, all.byteOffset + i * size, size)));
  };
  const lengths = rows("lengths", (row) => row.getUint32(0, true));
  return {
    jited: shown(24, jited.bytes),
    xlated: shown(32, xlated.bytes),
    functions: rows("functions", (row) => ({ slot: row.getUint32(0, true), typeId: row.getUint32(4, true) })),
    nativeFunctions: rows("ksyms", (row) => row.getBigUint64(0, true)).map((address, i) => ({
      address,
      length: lengths[i] ?? 0,
    })),
    lines: rows("lines", readLine),
    nativeLines: rows("nativeLines", (row) => row.getBigUint64(0, true)),
  };
}

const none = new Uint8Array(0);

function setBuffer(fields: DataView, countAt: number, pointerAt: number, count: number, buffer: NativeBuffer): void {
  fields.setUint32(countAt, count, true);
  setU64(fields, pointerAt, buffer.length === 0 ? 0 : buffer.address);
}

function readLine(row: DataView): LineInfoRecord {
  const position = row.getUint32(12, true);
  return {
    slot: row.getUint32(0, true),
    fileOffset: row.getUint32(4, true),
    textOffset: row.getUint32(8, true),
    line: position >>> 10,
    column: position & 0x3ff,
  };
}
