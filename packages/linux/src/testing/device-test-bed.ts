import { type DeviceTestBed, isContractFrame, type TestDevice } from "../../../core/src/host/testing/index.js";
import { Linux } from "../host/index.js";
import { libc } from "../sys/index.js";
import { ip, TestSocket, VethPair } from "./network.js";

/** The devices of the contract, in network namespaces of their own. */
export async function linuxTestBed(): Promise<DeviceTestBed> {
  const host = await Linux.open();
  const pair = new VethPair();
  const namespaces = { left: pair.left, right: pair.right, out: pair.right, back: pair.left };
  pair.right.run(() => ip(`link add out type veth peer name back netns /proc/${process.pid}/fd/${pair.left.fd}`));
  for (const [device, namespace] of [
    ["out", pair.right],
    ["back", pair.left],
  ] as const)
    namespace.run(() => ip(`link set ${device} up addrgenmode none`));
  const each = <T>(make: (device: TestDevice) => T) => ({
    left: make("left"),
    right: make("right"),
    out: make("out"),
    back: make("back"),
  });
  const sockets = each((device) => namespaces[device].run(() => TestSocket.packet(device)));
  const indexes = each((device) => namespaces[device].run(() => libc().ifNameToIndex(device)));
  const macs = each((device) =>
    namespaces[device].run(() => {
      const [, mac] = /link\/ether ([0-9a-f:]+)/.exec(ip(`link show ${device}`))!;
      return Uint8Array.from(mac!.split(":"), (byte) => Number.parseInt(byte, 16));
    }),
  );
  return {
    host,
    within: (device, work) => namespaces[device].run(work),
    index: (device) => indexes[device],
    mac: (device) => macs[device],
    // A program that drops the frame is told to the sender as ENOBUFS.
    send: (device, frame) => void sockets[device].trySend(frame),
    received(device) {
      const frames: Uint8Array[] = [];
      for (let frame = sockets[device].receive(); frame !== undefined; frame = sockets[device].receive())
        if (isContractFrame(frame)) frames.push(frame);
      return frames;
    },
    async wait(condition, attempts) {
      for (let attempt = 0; attempt < attempts && !condition(); attempt++)
        await new Promise((resolve) => setTimeout(resolve, 3));
    },
    close() {
      for (const socket of Object.values(sockets)) socket.close();
      host.close();
      pair.close();
    },
  };
}
