import { decodeText } from "@tsbpf/core/base";
import type { Btf } from "@tsbpf/core/btf";
import type { LiveLayout } from "../live/live-host.js";

/** Where an instruction comes from. */
export interface SourceLine {
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** The text at an offset into BTF's strings. */
function stringAt(btf: Btf, offset: number): string {
  const { bytes } = btf;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(4, true) + view.getUint32(16, true) + offset;
  const end = bytes.indexOf(0, start);
  return decodeText(bytes.subarray(start, end < 0 ? undefined : end));
}

/** Source lines by the slot that they begin at. */
export function linesBySlot(layout: LiveLayout, btf: Btf | undefined): ReadonlyMap<number, SourceLine> {
  return linesBy(layout, btf, (index) => layout.lines[index]!.slot);
}

/** Source lines by the address of the native code that they begin at. */
export function linesByAddress(layout: LiveLayout, btf: Btf | undefined): ReadonlyMap<bigint, SourceLine> {
  return linesBy(layout, btf, (index) => layout.nativeLines[index]);
}

function linesBy<K>(
  layout: LiveLayout,
  btf: Btf | undefined,
  keyOf: (index: number) => K | undefined,
): Map<K, SourceLine> {
  const lines = new Map<K, SourceLine>();
  layout.lines.forEach((record, index) => {
    const key = keyOf(index);
    if (key === undefined || lines.has(key)) return;
    const source = sourceOf(record, btf);
    if (source !== undefined) lines.set(key, source);
  });
  return lines;
}

function sourceOf(record: LiveLayout["lines"][number], btf: Btf | undefined): SourceLine | undefined {
  const { line, column } = record;
  if ("text" in record) return { file: record.file, text: record.text.trimStart(), line, column };
  if (btf === undefined) return undefined;
  const text = stringAt(btf, record.textOffset).trimStart();
  return { file: stringAt(btf, record.fileOffset), text, line, column };
}

/** The line as a comment of a listing; with `position` where it is, too. */
export function lineText({ file, text, line, column }: SourceLine, position: boolean): string {
  return position ? `; ${text} [file:${file} line_num:${line} line_col:${column}]` : `; ${text}`;
}

/** The line's members in bpftool's JSON. */
export function lineJson({ file, text, line, column }: SourceLine, position: boolean): object {
  if (text === "") return {};
  if (!position) return { src: text };
  return { src: text, file: file || undefined, line_num: line || undefined, line_col: column || undefined };
}
