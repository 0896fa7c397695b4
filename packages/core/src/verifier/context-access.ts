import { type ContextPointer, findContextField } from "../abi/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import { AUX, ID, OBJECT, registerAt } from "./domain/register.js";
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
import { accessTypedContext } from "./typed-context.js";

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
  analysis.contextSize = Math.max(analysis.contextSize, offset + size);
  const { context } = analysis.rules;
  if (context === "btf") {
    accessTypedContext(analysis, offset, size, write, into);
    return;
  }
  if (context === "scratch") {
    accessScratch(analysis, offset, size, write, into);
    return;
  }
  if (context === "target") analysis.notModelled(`the context of ${analysis.type} programs`);
  const { attachType, hasBpf } = analysis;
  const field = findContextField(context, { offset, size, write, attachType, withoutBpf: !hasBpf });
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
  setPointer(records, at, type);
  if ((type & MAYBE_NULL) !== 0) records[at + ID] = analysis.freshId();
  if (field.struct === undefined) return;
  const [typeId] = analysis.kernelTypes?.find(field.struct, "struct") ?? [];
  if (typeId === undefined) analysis.notModelled(`struct ${field.struct} without the kernel's types`);
  records[at + OBJECT] = KERNEL_TYPES;
  records[at + AUX] = typeId;
}

/** The context of a syscall program is memory of its own; how much there is, a test run has to know. */
const MAX_SCRATCH = 0xffff;

function accessScratch(analysis: Analysis, offset: number, size: number, write: boolean, into: number): void {
  if (offset < 0 || offset >= MAX_SCRATCH || offset % size !== 0) {
    analysis.deny("context_access", `invalid bpf_context access off=${offset} size=${size}`);
  }
  if (!write && into >= 0) setUnknownScalar(analysis, analysis.frame.records, registerAt(into));
}
