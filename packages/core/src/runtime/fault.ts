import { type LinearMemory, WASM_PAGE_SIZE } from "../wasm/index.js";
import { area, FRAME_SIZE, MAX_CALL_FRAMES } from "./execution-area.js";
import type { RegionTable } from "./region-table.js";
import { type Fault, faultReasons } from "./run-result.js";

/** Bytes beyond a region within which a stray access is still told as one of that region. */
const NEAR = 4096;

/** Reads the fault out of an execution area. */
export function describeFault(
  memory: LinearMemory,
  regions: RegionTable,
  address: number,
  where: { readonly program: string; readonly slot: number; readonly cause: unknown },
): Fault {
  const { view } = memory;
  const reason = faultReasons[view.getInt32(address + area.faultReason, true)] ?? "none";
  if (reason === "none") throw new RangeError("the run has no fault");
  const target = view.getBigUint64(address + area.faultAddress, true);
  const access = reason === "access" || reason === "read_only";
  const region = access ? nameRegion(memory, regions, address, target) : undefined;
  const size = view.getInt32(address + area.faultSize, true);
  const write = view.getInt32(address + area.faultWrite, true) === 1;
  const registers = Array.from({ length: 11 }, (_, index) => view.getBigUint64(address + index * 8, true));
  const what = access
    ? describeAccess({ target, size, write, region, reason })
    : describeReason(reason, target, where.cause);
  return {
    reason,
    program: where.program,
    slot: where.slot,
    depth: view.getInt32(address + area.depth, true),
    address: access ? target : 0n,
    size: access ? size : 0,
    write: access && write,
    region,
    registers,
    message: `slot ${where.slot}: ${what}`,
    ...(reason === "thrown" && { cause: where.cause }),
  };
}

function describeAccess(fault: {
  target: bigint;
  size: number;
  write: boolean;
  region: string | undefined;
  reason: string;
}): string {
  const { target, size, write, region, reason } = fault;
  const bytes = size === 1 ? "1 byte" : `${size} bytes`;
  const what = `${write ? "store" : "load"} of ${bytes} at 0x${target.toString(16)}`;
  if (reason === "read_only") return `${what}: ${region} is read-only`;
  if (target < BigInt(WASM_PAGE_SIZE)) return `${what}: null pointer`;
  if (region === undefined) return `${what}: outside of every region`;
  return `${what}: outside of ${region}`;
}

function describeReason(reason: string, target: bigint, cause: unknown): string {
  switch (reason) {
    case "call_depth":
      return `more than ${MAX_CALL_FRAMES} call frames`;
    case "call_target":
      return `0x${target.toString(16)} is no function`;
    case "no_exit":
      return "execution ran past the end of the program";
    case "helper":
      return String(cause);
    default:
      return `a helper failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** The region that an address lies in or misses by little. */
function nameRegion(memory: LinearMemory, regions: RegionTable, at: number, target: bigint): string | undefined {
  if (target >= 0x1_0000_0000n || target < BigInt(WASM_PAGE_SIZE)) return undefined;
  const address = Number(target);
  const word = (offset: number) => memory.u32[(at + offset) >> 2]!;
  const ranges = [
    { name: "the packet", start: word(area.packetStart), end: word(area.packetEnd) },
    { name: "the context", start: word(area.contextStart), end: word(area.contextEnd) },
    { name: "the stack", start: at + area.frames, end: at + area.frames + MAX_CALL_FRAMES * FRAME_SIZE },
  ].filter(({ start, end }) => end > start);
  const distance = ({ start, end }: { start: number; end: number }) =>
    address < start ? start - address : Math.max(0, address - end + 1);
  const nearest = ranges.sort((a, b) => distance(a) - distance(b))[0];
  if (nearest !== undefined && distance(nearest) === 0) return nearest.name;
  const region = regions.find(address) ?? regions.find(address, NEAR);
  if (region !== undefined) return region.name;
  return nearest !== undefined && distance(nearest) < NEAR ? nearest.name : undefined;
}
