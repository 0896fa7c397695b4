// The same program, loaded through its generated module: the types of its maps come from the object.
//
//     tsbpf gen ts packet-counter.bpf.o > packet-counter.gen.ts
import type { Host } from "@tsbpf/core/host";
import { load, type traffic } from "./packet-counter.gen.js";

/** Runs the counter on `frames`, in the Machine or in the running kernel, and answers what it counted by protocol. */
export async function countByProtocol(host: Host, frames: Iterable<Uint8Array>): Promise<Map<number, traffic>> {
  using object = await load(host);
  for (const data of frames) object.programs.count.testRun({ data });
  const counted = new Map<number, traffic>();
  for (const [protocol, cpus] of object.maps.by_protocol.perCpuEntries()) {
    const sum = cpus.reduce((a, b) => ({ packets: a.packets + b.packets, bytes: a.bytes + b.bytes }));
    if (sum.packets > 0n) counted.set(protocol, sum);
  }
  return counted;
}
