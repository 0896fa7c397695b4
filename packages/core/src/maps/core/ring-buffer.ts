import {
  BPF_RB_AVAIL_DATA,
  BPF_RB_CONS_POS,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RB_PROD_POS,
  BPF_RB_RING_SIZE,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
  EAGAIN,
  EINVAL,
} from "../../abi/index.js";
import { I64 } from "../../wasm/index.js";
import { mapHeader, ringBlock } from "../layout.js";
import { constant, type Expression } from "./expression.js";
import { roundedUp8 } from "./key.js";
import { defineProcedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

// The ring buffer has the kernel's layout (Documentation/bpf/ringbuf.rst): 64-bit positions that only grow, records of an
// 8-byte header (length with a busy and a discard bit, page offset) and data, each a multiple of 8 bytes.

/** Records are at most a quarter of 4 GiB, whatever the ring. */
const LARGEST_RECORD = 0x3fff_ffff;
const PAGE_SHIFT = 12;

const recordBytes = (size: Expression) => roundedUp8(size.add(BPF_RINGBUF_HDR_SZ));

export function defineRingBuffer(scope: CoreScope) {
  const reserve = defineReserve(scope);
  const commit = defineCommit(scope);
  /** `(map, data, size, flags)` */
  const output = defineProcedure(scope.module, "ringbuf_output", ["map", "data", "size", "flags"], (p) => {
    const { map, data, size, flags } = p.params;
    p.if(flags.and(~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)), () => p.return(-EINVAL));
    const record = p.let("record", p.call(reserve, map, size));
    p.if(record.isZero(), () => p.return(-EAGAIN));
    p.copy(record, data, size);
    p.return(p.call(commit, record, flags, 0));
  });
  return { reserve, commit, output, query: defineQuery(scope) };
}

/** `(map, size) -> address of the record's data, or 0` */
function defineReserve({ module }: CoreScope) {
  return defineProcedure(module, "ringbuf_reserve", ["map", "size"], (p) => {
    const { map, size } = p.params;
    p.if(size.gt(LARGEST_RECORD), () => p.return(0));
    const length = p.let("length", recordBytes(size));
    const mask = p.let("mask", map.u32(mapHeader.HEAD));
    p.if(length.gt(mask.add(1)), () => p.return(0));
    const block = p.let("block", map.u32(mapHeader.STORAGE));
    const data = p.let("data", block.add(ringBlock.DATA));
    const produced = p.let("produced", block.u64(ringBlock.PRODUCER));
    const pending = p.let("pending", block.u64(ringBlock.PENDING));
    p.loop(({ leave }) => {
      p.if(pending.ge(produced), leave);
      const word = p.let("word", data.add(pending.low().and(mask)).u32());
      p.if(word.and(BPF_RINGBUF_BUSY_BIT | 0), leave);
      p.add(pending, recordBytes(word.and(~BPF_RINGBUF_DISCARD_BIT)).wide());
    });
    p.store64(block, ringBlock.PENDING, pending);
    const end = p.let("end", produced.add(length.wide()));
    p.if(end.sub(block.u64(ringBlock.CONSUMER)).gt(mask.wide()), () => p.return(0));
    p.if(end.sub(pending).gt(mask.wide()), () => p.return(0));
    const header = p.let("header", data.add(produced.low().and(mask)));
    p.store32(header, 0, size.or(BPF_RINGBUF_BUSY_BIT | 0));
    p.store32(header, 4, header.sub(block).shr(PAGE_SHIFT));
    p.store64(block, ringBlock.PRODUCER, end);
    p.return(header.add(BPF_RINGBUF_HDR_SZ));
  });
}

/** `(record, flags, discard)`: `discard` is 0 or BPF_RINGBUF_DISCARD_BIT. */
function defineCommit({ module }: CoreScope) {
  return defineProcedure(module, "ringbuf_commit", ["record", "flags", "discard"], (p) => {
    const { record, flags, discard } = p.params;
    const header = p.let("header", record.sub(BPF_RINGBUF_HDR_SZ));
    const page = header.and(-1 << PAGE_SHIFT);
    const block = p.let("block", page.sub(header.u32(4).shl(PAGE_SHIFT)));
    const map = p.let("map", block.u32(ringBlock.MAP));
    p.store32(header, 0, header.u32().and(~BPF_RINGBUF_BUSY_BIT).or(discard));
    // A reader that had read everything before this record may sleep.
    const consumed = block.u64(ringBlock.CONSUMER).low().and(map.u32(mapHeader.HEAD));
    const isNext = consumed.eq(header.sub(block).sub(ringBlock.DATA));
    const wanted = flags.and(BPF_RB_NO_WAKEUP).isZero().and(isNext);
    p.if(flags.and(BPF_RB_FORCE_WAKEUP).or(wanted), () => p.add32(map, mapHeader.WAKEUPS, 1));
    p.return(0);
  });
}

/** `(map, what, out)`: writes a u64 at `out`, 0 for what isn't known. */
function defineQuery({ module }: CoreScope) {
  return defineProcedure(module, "ringbuf_query", ["map", "what", "out"], (p) => {
    const { map, what, out } = p.params;
    const block = p.let("block", map.u32(mapHeader.STORAGE));
    const consumed = block.u64(ringBlock.CONSUMER);
    const produced = block.u64(ringBlock.PRODUCER);
    p.store64(out, 0, constant(0, I64));
    p.if(what.eq(BPF_RB_AVAIL_DATA), () => p.store64(out, 0, produced.sub(consumed)));
    p.if(what.eq(BPF_RB_RING_SIZE), () => p.store64(out, 0, map.u32(mapHeader.HEAD).add(1).wide()));
    p.if(what.eq(BPF_RB_CONS_POS), () => p.store64(out, 0, consumed));
    p.if(what.eq(BPF_RB_PROD_POS), () => p.store64(out, 0, produced));
    p.return(0);
  });
}
