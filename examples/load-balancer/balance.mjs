// Runs the load balancer on a capture, in the embedded Machine: node examples/load-balancer/balance.mjs [CAPTURE]
import { readFileSync } from "node:fs";
import { readObject } from "@tsbpf/core";
import { Machine } from "@tsbpf/core/machine";
import { CaptureReader, describePacket } from "@tsbpf/core/packet";
import { maglevTable } from "./maglev.mjs";

const here = (name) => new URL(name, import.meta.url);
const MAGLEV_SIZE = 4099;
const XDP_TX = 3;
const servers = ["10.0.0.11", "10.0.0.12", "10.0.0.13"];

const spec = readObject(readFileSync(here("load-balancer.bpf.o")), { name: "load-balancer" });
const host = new Machine();
const balancer = await host.load(spec);

const { services, maglev, servers: serverMap, affinity } = balancer.maps;
services.update({ address: "192.0.2.80", port: 0x5000, protocol: 6, pad: 0 }, { index: 0 }); // port 80, network order
servers.forEach((address, index) => {
  serverMap.update(index, { address, mac: `02:00:00:00:00:${11 + index}`, pad: 0 });
});
maglevTable(servers, MAGLEV_SIZE).forEach((server, slot) => {
  maglev.update(slot, server);
});

const packets = host.createPacketRunner(balancer.program("balance"));
const reader = new CaptureReader();
reader.push(readFileSync(process.argv[2] ?? here("../captures/web.pcap")));
let shown = 0;
for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
  packets.run(packet.bytes, packet.offset, packet.length);
  if (packets.retval !== XDP_TX || shown++ >= 5) continue;
  console.log(`${describePacket(packet.data)}\n  becomes ${describePacket(packets.packet())}`);
}
reader.end();

console.log();
const fromNetworkOrder = (port) => ((port & 0xff) << 8) | (port >> 8);
for (const [connection, server] of affinity) {
  console.log(`port ${fromNetworkOrder(connection.sport)} stays with ${servers[server]}`);
}
for (const [index, address] of servers.entries()) {
  const traffic = balancer.maps.traffic_by_server.lookupPerCpu(index)[0];
  console.log(`${address}: ${traffic.packets} packets, ${traffic.bytes} bytes`);
}
host.close();
