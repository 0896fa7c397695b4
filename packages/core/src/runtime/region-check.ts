import {
  type FunctionBuilder,
  type GlobalIndex,
  I32,
  I64,
  i32,
  i64,
  type Label,
  type Local,
  type ModuleBuilder,
} from "../wasm/index.js";
import { area, FRAME_SIZE, STACK_SIZE } from "./execution-area.js";
import { REGION_ENTRY_SIZE, regionEntry, regionHeader } from "./region-table.js";
import { FAULT_ACCESS, FAULT_READ_ONLY } from "./run-result.js";

/** Parameters of the generated `check_access`. */
export type RegionCheck = FunctionBuilder<"area" | "address" | "size" | "write">;

/** What the parts of the check share. */
interface Emitter {
  readonly f: RegionCheck;
  /** The address, once it is known to have 32 bits. */
  readonly at: Local;
  readonly offset: Local;
  readonly denied: Label;
}

/**
 * Generates `check_access(area: i32, address: i64, size: i32, write: i32) -> i32`: 1 where a program may access `size`
 * bytes (1 to 8) at the 64-bit `address`; else 0, with the fault's reason, address, size and direction in the area.
 *
 * It looks at the stack frames in use, the packet, the context, then searches the region table. What it found, other
 * than stack, becomes the area's *access window*, so that generated code can check the next access inline:
 *
 *     (address - windowStart) u< windowReadLimit (or windowWriteLimit)
 *
 * A limit is the number of addresses at which 8 bytes can be accessed; narrower accesses at the very end come here. A
 * window holds until memory may change hands: engines clear it (both limits 0) after every call of a helper.
 *
 * @param regions the global with the address of the region table's header.
 */
export function defineRegionCheck(module: ModuleBuilder, regions: GlobalIndex): RegionCheck {
  const f = module.function("check_access", { area: I32, address: I64, size: I32, write: I32 }, [I32]);
  const emitter = { f, at: f.local(I32, "at"), offset: f.local(I32, "offset") };
  f.block((readOnly) => {
    f.block((denied) => {
      f.get(f.params.address).i64(32).op(i64.shr_u).i64(0).op(i64.ne).brIf(denied);
      f.get(f.params.address).op(i32.wrap_i64).set(emitter.at);
      checkStack({ ...emitter, denied });
      checkRange({ ...emitter, denied }, area.packetStart, area.packetEnd);
      checkRange({ ...emitter, denied }, area.contextStart, area.contextEnd);
      searchTable({ ...emitter, denied }, regions, readOnly);
    });
    deny(f, FAULT_ACCESS);
  });
  deny(f, FAULT_READ_ONLY);
  f.i32(0);
  return f;
}

/** The frames in use, each with its caller's state behind the stack. */
function checkStack({ f, at, offset, denied }: Emitter): void {
  f.get(at).get(f.params.area).i32(area.frames).op(i32.add).op(i32.sub).tee(offset);
  f.get(f.params.area).load(i32.load, area.depth).i32(1).op(i32.add).i32(FRAME_SIZE).op(i32.mul).op(i32.lt_u);
  f.if(() => {
    f.get(offset)
      .i32(FRAME_SIZE - 1)
      .op(i32.and)
      .get(f.params.size)
      .op(i32.add);
    f.i32(STACK_SIZE).op(i32.gt_u).brIf(denied);
    f.i32(1).return();
  });
}

/** A writable range whose bounds are in the area. */
function checkRange({ f, at, offset, denied }: Emitter, start: number, end: number): void {
  f.get(at).get(f.params.area).load(i32.load, start).op(i32.ge_u);
  f.get(at).get(f.params.area).load(i32.load, end).op(i32.lt_u).op(i32.and);
  f.if(() => {
    f.get(f.params.area).load(i32.load, end).get(at).op(i32.sub).get(f.params.size).op(i32.lt_u).brIf(denied);
    f.get(f.params.area).get(f.params.area).load(i64.load32_u, start).store(i64.store, area.windowStart);
    f.get(f.params.area).load(i32.load, end).get(f.params.area).load(i32.load, start).op(i32.sub).set(offset);
    setLimits(f, offset, () => f.i32(1));
    f.i32(1).return();
  });
}

/** Binary search for the last region that starts at or before the address, then its element's parts. */
function searchTable({ f, at, offset, denied }: Emitter, regions: GlobalIndex, readOnly: Label): void {
  const [low, high, middle, entry] = [f.local(I32), f.local(I32), f.local(I32), f.local(I32, "entry")];
  const atIndex = (index: Local) => {
    f.globalGet(regions).load(i32.load, regionHeader.entries);
    return f.get(index).i32(REGION_ENTRY_SIZE).op(i32.mul).op(i32.add);
  };
  f.globalGet(regions).load(i32.load, regionHeader.count).set(high);
  f.loop((next) => {
    f.get(low).get(high).op(i32.lt_u);
    f.if(() => {
      f.get(low).get(high).op(i32.add).i32(1).op(i32.shr_u).set(middle);
      atIndex(middle).load(i32.load, regionEntry.start).get(at).op(i32.le_u);
      f.if(
        () => f.get(middle).i32(1).op(i32.add).set(low),
        () => f.get(middle).set(high),
      );
      f.br(next);
    });
  });
  f.get(low).op(i32.eqz).brIf(denied);
  atIndex(low).i32(REGION_ENTRY_SIZE).op(i32.sub).tee(entry);
  f.load(i32.load, regionEntry.end).get(at).op(i32.le_u).brIf(denied);
  f.get(at).get(entry).load(i32.load, regionEntry.start).op(i32.sub);
  f.get(entry).load(i32.load, regionEntry.stride).op(i32.rem_u).set(offset);

  checkPart({ f, at, offset, denied }, entry, regionEntry.offset, regionEntry.size, () => {
    f.get(f.params.write).get(entry).load(i32.load, regionEntry.writable).op(i32.gt_u).brIf(readOnly);
    f.get(entry).load(i32.load, regionEntry.writable);
  });
  checkPart({ f, at, offset, denied }, entry, regionEntry.readableOffset, regionEntry.readableSize, () => {
    f.get(f.params.write).brIf(readOnly);
    f.i32(0);
  });
}

/** A part of the element that `offset` lies in; `writable` refuses writes or pushes whether later ones may be made. */
function checkPart(
  { f, at, offset }: Emitter,
  entry: Local,
  partOffset: number,
  partSize: number,
  writable: () => void,
): void {
  const within = f.local(I32, "within");
  const size = f.local(I32, "size");
  const allowed = f.local(I32, "allowed");
  f.get(offset).get(entry).load(i32.load, partOffset).op(i32.sub).tee(within);
  f.get(entry).load(i32.load, partSize).tee(size).op(i32.lt_u);
  f.if(() => {
    f.get(size).get(within).op(i32.sub).get(f.params.size).op(i32.ge_u);
    f.if(() => {
      writable();
      f.set(allowed);
      f.get(f.params.area).get(at).get(within).op(i32.sub).op(i64.extend_i32_u).store(i64.store, area.windowStart);
      setLimits(f, size, () => f.get(allowed));
      f.i32(1).return();
    });
  });
}

/** The window's limits for a part of `size` bytes: as many as there are addresses with 8 bytes behind them. */
function setLimits(f: RegionCheck, size: Local, writable: () => void): void {
  const limit = f.local(I32, "limit");
  f.get(size).i32(7).op(i32.sub).i32(0).get(size).i32(7).op(i32.gt_u).select().set(limit);
  f.get(f.params.area).get(limit).op(i64.extend_i32_u).store(i64.store, area.windowReadLimit);
  f.get(f.params.area).get(limit).i32(0);
  writable();
  f.select().op(i64.extend_i32_u).store(i64.store, area.windowWriteLimit);
}

function deny(f: RegionCheck, reason: number): void {
  f.get(f.params.area).i32(reason).store(i32.store, area.faultReason);
  f.get(f.params.area).get(f.params.size).store(i32.store, area.faultSize);
  f.get(f.params.area).get(f.params.address).store(i64.store, area.faultAddress);
  f.get(f.params.area).get(f.params.write).store(i32.store, area.faultWrite);
  f.i32(0).return();
}
