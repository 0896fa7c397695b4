import { type DeviceTestBed, isContractFrame, type TestDevice } from "../../host/testing/index.js";
import { Machine } from "../index.js";

/** The devices of the contract, in a Machine. */
export function machineTestBed(machine: Machine = new Machine({ cpus: 2 })): DeviceTestBed {
  const [one, other] = [machine.createNamespace("one"), machine.createNamespace("other")];
  const [right, left] = machine.createVeth({ name: "right", namespace: other }, { name: "left", namespace: one });
  const [out, back] = machine.createVeth({ name: "out", namespace: other }, { name: "back", namespace: one });
  const devices = { left, right, out, back };
  const socket = (device: TestDevice) => devices[device].namespace.openPacketSocket(device);
  const sockets = { left: socket("left"), right: socket("right"), out: socket("out"), back: socket("back") };
  return {
    host: machine,
    within: (device, work) => devices[device].namespace.run(work),
    index: (device) => devices[device].index,
    mac: (device) => devices[device].mac,
    send: (device, frame) => sockets[device].send(frame),
    received(device) {
      const frames: Uint8Array[] = [];
      for (let frame = sockets[device].receive(); frame !== undefined; frame = sockets[device].receive())
        if (isContractFrame(frame)) frames.push(frame);
      return frames;
    },
    async wait(condition) {
      condition();
    },
    close: () => machine.close(),
  };
}
