import { type ContextPointer, findContextField } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import { ID, registerAt, TYPE } from "./domain/register.js";
import { requireUnmodified } from "./memory-region.js";
import {
  BTF_ID,
  BUF,
  FLOW_KEYS,
  MAYBE_NULL,
  PACKET,
  PACKET_END,
  PACKET_META,
  READ_ONLY,
  SOCK_COMMON,
  SOCKET,
  TP_BUFFER,
  TRUSTED,
} from "./pointer-types.js";
import { setPointer, setUnknownScalar } from "./registers.js";

const pointerTypes: Readonly<Record<ContextPointer, number>> = {
  packet: PACKET,
  packet_meta: PACKET_META,
  packet_end: PACKET_END,
  flow_keys: FLOW_KEYS,
  socket: SOCKET,
  "socket?": SOCKET | MAYBE_NULL,
  "sock_common?": SOCK_COMMON | MAYBE_NULL,
  tp_buffer: TP_BUFFER,
  buf: BUF,
  buf_rdonly: BUF | READ_ONLY,
  btf_trusted: BTF_ID | TRUSTED,
  "btf_trusted?": BTF_ID | TRUSTED | MAYBE_NULL,
};

/**
 * A load or store of a context field. `offset` counts from the start of the context; a load says into which register.
 */
export function accessContext(
  analysis: Analysis,
  register: number,
  offset: number,
  size: number,
  write: boolean,
  into: number,
  signExtends: boolean,
): void {
  requireUnmodified(analysis, register, false);
  const { context } = analysis.rules;
  if (typeof context === "string") analysis.notModelled(`the context of ${analysis.type} programs`);
  const field = findContextField(context, { offset, size, write, attachType: analysis.attachType });
  if (field === undefined || (field.pointer !== undefined && signExtends)) {
    analysis.deny("context_access", `invalid bpf_context access off=${offset} size=${size}`);
  }
  if (write || into < 0) return;
  const { records } = analysis.frame;
  const at = registerAt(into);
  if (field.pointer === undefined) {
    setUnknownScalar(analysis, records, at);
    return;
  }
  const type = pointerTypes[field.pointer];
  if (field.struct !== undefined) analysis.notModelled(`a context field that points to struct ${field.struct}`);
  setPointer(records, at, type);
  if ((type & MAYBE_NULL) !== 0) records[at + ID] = analysis.freshId();
  records[at + TYPE] = type;
}
