import { readFileSync } from "node:fs";
import { type Host, type LoadedObject, Machine, readObject } from "@tsbpf/core";
import { CaptureReader } from "@tsbpf/core/packet";
import { Linux } from "@tsbpf/linux";
import { expect, it } from "vitest";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const read = (path: string) => readFileSync(new URL(`../examples/${path}`, import.meta.url));

/** Frames that every hook takes: a page has room for no more, and a test run for no less. */
function frames(capture: string): Uint8Array[] {
  const reader = new CaptureReader();
  const all: Uint8Array[] = [];
  reader.push(read(`captures/${capture}`));
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) all.push(packet.data.slice());
  reader.end();
  return all.filter(({ length }) => length >= 14 && length <= 3520);
}

/** Slots of one service's stretch of the load balancer's table that lead to its second server; the others, to the first. */
const SECOND_SERVER_SLOTS = 10_000;

/** Makes the load balancer balance the web server of the captures. */
function configure(object: LoadedObject): void {
  if (object.maps.maglev === undefined) return;
  const service = { address: 0x5002_00c0, port: 80 << 8, protocol: 6, pad: 0 };
  object.map("services").update(service, { index: 0 });
  for (const [index, address] of [0x0b00_000a, 0x0c00_000a].entries()) {
    object.map("servers").update(index, { address, mac: Uint8Array.of(2, 0, 0, 0, 0, 10 + index), pad: 0 });
  }
  const slots = Uint32Array.from({ length: SECOND_SERVER_SLOTS }, (_, slot) => slot * 3);
  const servers = new Uint32Array(SECOND_SERVER_SLOTS).fill(1);
  const bytes = (words: Uint32Array) => new Uint8Array(words.buffer);
  object.map("maglev").raw.updateBatch(bytes(slots), bytes(servers), SECOND_SERVER_SLOTS);
}

/** Verdicts and packets of a capture, then what the maps hold, in the keys' order. */
async function outcome(host: Host, name: string, capture: string) {
  using object = await host.load(readObject(read(`${name}/${name}.bpf.o`)));
  configure(object);
  const packets: string[] = [];
  for (const program of Object.values(object.programs)) {
    for (const data of frames(capture)) {
      const result = program.testRun({ data });
      packets.push(`${program.name} ${result.retval} ${Buffer.from(result.data).toString("hex")}`);
    }
  }
  const maps: string[] = [];
  for (const map of Object.values(object.maps)) {
    if (map.name === "maglev") continue;
    const entries = [...map.raw.entries()].map(([key, value]) => {
      // Which CPU ran the program is the kernel's choice; the sum over CPUs isn't.
      const words = map.perCpu ? sumOfCpus(value, host.cpus) : Buffer.from(value).toString("hex");
      return `${map.name} ${Buffer.from(key).toString("hex")} ${words}`;
    });
    maps.push(...entries.sort());
  }
  return { packets, maps };
}

function sumOfCpus(value: Uint8Array, cpus: number): string {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const stride = value.length / cpus;
  return Array.from({ length: stride / 8 }, (_, word) => {
    let sum = 0n;
    for (let cpu = 0; cpu < cpus; cpu++) sum += view.getBigUint64(cpu * stride + word * 8, true);
    return sum;
  }).join();
}

describeKernel("the Machine and the kernel", () => {
  for (const capture of ["web.pcap", "dns.pcap", "ping6.pcap", "vlan.pcap", "port-scan.pcap", "syn-flood.pcap"]) {
    for (const name of ["packet-counter", "load-balancer"]) {
      it(`agree on verdicts, packets and maps of ${name} on ${capture}`, async () => {
        using linux = await Linux.open();
        using machine = new Machine({ cpus: linux.cpus });
        const [theirs, ours] = [await outcome(linux, name, capture), await outcome(machine, name, capture)];
        expect(ours.packets.length).toBeGreaterThan(0);
        expect(ours.packets).toEqual(theirs.packets);
        expect(ours.maps).toEqual(theirs.maps);
        if (name === "load-balancer" && capture === "web.pcap") {
          expect(ours.maps.some((line) => line.startsWith("affinity"))).toBe(true);
        }
      });
    }
  }
});
