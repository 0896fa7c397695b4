import { readFileSync, writeFileSync } from "node:fs";
import type { ContractSocket, SocketTestBed } from "../../../core/src/host/testing/index.js";
import { Linux, type LinuxMap } from "../host/index.js";
import { NetworkNamespace } from "../sys/index.js";
import { TestCgroup } from "./cgroup.js";
import { ip, TestSocket } from "./network.js";

/** The sockets of the contract, in a network namespace and cgroups of their own. */
export async function linuxSocketTestBed(): Promise<SocketTestBed> {
  const host = await Linux.open();
  const namespace = NetworkNamespace.create();
  namespace.run(() => ip("link set lo up"));
  const outer = new TestCgroup();
  const inner = outer.child("inner");
  const home = readFileSync("/proc/self/cgroup", "utf8").match(/^0::(.*)$/m)![1]!;
  const root = outer.path.slice(0, outer.path.lastIndexOf("/"));
  const enter = (folder: string) => writeFileSync(`${folder}/cgroup.procs`, `${process.pid}`);
  const groups = { outer: outer.path, inner: inner.path };
  return {
    host,
    outer: outer.path,
    inner: inner.path,
    within: (cgroup, work) =>
      namespace.run(() => {
        if (cgroup === undefined) return work();
        // A socket is of the cgroup that its process is in when it is made.
        enter(groups[cgroup]);
        try {
          return work();
        } finally {
          enter(`${root}${home}`);
        }
      }),
    tcp: () => contractSocket(TestSocket.tcp()),
    udp: () => contractSocket(TestSocket.udp()),
    putSocket: (map, index, { fd }) => (map.raw as LinuxMap).updateFd(Uint8Array.of(index, 0, 0, 0), fd),
    async wait(condition, attempts) {
      for (let attempt = 0; attempt < attempts && !condition(); attempt++)
        await new Promise((resolve) => setTimeout(resolve, 3));
    },
    close() {
      host.close();
      inner.close();
      outer.close();
      namespace.close();
    },
  };
}

function contractSocket(socket: TestSocket): ContractSocket {
  return {
    fd: socket.fd,
    bind: (address, port) => socket.bind(address, port),
    listen: () => socket.listen(),
    connect: (address, port) => socket.connect(address, port),
    accept() {
      const accepted = socket.accept();
      return accepted && contractSocket(accepted);
    },
    send: (data) => socket.send(data),
    sendTo: (data, address, port) => socket.sendTo(data, address, port),
    receive: () => socket.receive(),
    receiveFrom: () => socket.receiveFrom(),
    peer: () => socket.peer(),
    localPort: () => socket.localPort(),
    sharePort: () => socket.sharePort(),
    setOption: (level, name, value) => socket.setOption(level, name, value),
    getOption: (level, name) => socket.getOption(level, name),
    close: () => socket.close(),
  };
}
