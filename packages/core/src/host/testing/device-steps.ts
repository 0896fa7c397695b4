import { expect } from "vitest";
import type { MapSpec } from "../../spec/index.js";
import type { BpfMap, Program } from "../index.js";
import { contractFrame, type DeviceTestBed, type TestDevice } from "./device-test-bed.js";
import { type AssembleChoices, assembleProgram } from "./program-case.js";
import { mapSpec } from "./specs.js";

/** Rounds that a test waits for what should come, and for what should not. */
const PATIENCE = 200;
const GLANCE = 8;

let lastMark = 0;

/** Loads a program from assembly; `maps` by the names of its operands. */
export async function load(
  bed: DeviceTestBed,
  type: "xdp" | "sched_cls",
  source: string,
  choices: AssembleChoices & { readonly live?: Readonly<Record<string, BpfMap>> } = {},
): Promise<Program> {
  const { live = {}, ...others } = choices;
  return bed.host.loadProgram(assembleProgram(type, source, others), { maps: live });
}

/** Sends frames out of `from` and checks how many of them a packet socket sees at each of `where`; returns those seen. */
export async function carry(
  bed: DeviceTestBed,
  from: TestDevice,
  where: Partial<Record<TestDevice, number>>,
  frames: readonly Uint8Array[] = [contractFrame(++lastMark & 0xff)],
): Promise<Partial<Record<TestDevice, Uint8Array[]>>> {
  const devices = Object.keys(where) as TestDevice[];
  for (const device of devices) bed.received(device);
  const seen = Object.fromEntries(devices.map((device) => [device, [] as Uint8Array[]]));
  const look = () => {
    for (const device of devices) seen[device]!.push(...bed.received(device));
    return devices.every((device) => seen[device]!.length >= where[device]!);
  };
  for (const frame of frames) bed.send(from, frame);
  await bed.wait(look, PATIENCE);
  // What should not come has its chance.
  const never = () => {
    look();
    return false;
  };
  await bed.wait(never, GLANCE);
  expect(Object.fromEntries(devices.map((device) => [device, seen[device]!.length]))).toEqual(where);
  return seen;
}

/** A map that programs write what they saw into: 16 entries of a u64. */
export const seenSpec: MapSpec = mapSpec("array", { name: "seen" });

/** Assembly that writes `r<register>` to entry `index` of the map `seen`. r0 to r5 are lost. */
export function note(index: number, register: number): string {
  return `*(u64 *)(r10 - 16) = r${register}; *(u32 *)(r10 - 20) = ${index}
    r1 = map[seen]; r2 = r10; r2 += -20; r3 = r10; r3 += -16; r4 = 0; call bpf_map_update_elem`;
}

/** Assembly that adds 1 to entry `index` of the map `seen`. r0 to r5 are lost. */
export function count(index: number): string {
  return `*(u32 *)(r10 - 20) = ${index}; r1 = map[seen]; r2 = r10; r2 += -20; call bpf_map_lookup_elem
    if r0 == 0 goto +2; r1 = 1; lock *(u64 *)(r0 + 0) += r1`;
}

/** Assembly that writes `byte` to the frame's byte `at` (r6 is the context), where the frame is long enough. */
export function stamp(at: number, byte: number): string {
  const isXdp = "r2 = *(u32 *)(r6 + 0); r3 = *(u32 *)(r6 + 4)";
  return `${isXdp}; r4 = r2; r4 += ${at + 1}; if r4 > r3 goto +1; *(u8 *)(r2 + ${at}) = ${byte}`;
}

/** An entry of the map `seen`. */
export function noted(map: BpfMap, index: number): number {
  const bytes = map.lookup(index) as Uint8Array;
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}
