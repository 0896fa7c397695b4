import type { ContractSocket, SocketTestBed } from "../../host/testing/index.js";
import { Machine, TcpSocket, type UdpSocket } from "../index.js";

const bytesOf = (data: Uint8Array | string) =>
  typeof data === "string" ? Uint8Array.from(data, (letter) => letter.charCodeAt(0)) : data;

/** The sockets of the contract, in a Machine. */
export function machineSocketTestBed(machine: Machine = new Machine()): SocketTestBed {
  const namespace = machine.createNamespace("sockets");
  namespace.addAddress("lo", "127.0.0.1/8");
  const inner = machine.cgroups.create("/outer/inner");
  const groups = { outer: machine.cgroups.get("/outer"), inner };
  return {
    host: machine,
    outer: "/outer",
    inner: "/outer/inner",
    within: (cgroup, work) =>
      namespace.run(() => (cgroup === undefined ? machine.cgroups.root : groups[cgroup]).run(work)),
    tcp: () => contractSocket(namespace.createTcp()),
    udp: () => contractSocket(namespace.createUdp()),
    putSocket(map, index, { fd }) {
      const value = new Uint8Array(8);
      new DataView(value.buffer).setUint32(0, fd, true);
      map.raw.update(Uint8Array.of(index, 0, 0, 0), value);
    },
    async wait(condition) {
      condition();
    },
    close: () => machine.close(),
  };
}

function contractSocket(socket: TcpSocket | UdpSocket): ContractSocket {
  const tcp = () => socket as TcpSocket;
  return {
    fd: socket.fd,
    bind: (address, port) => socket.bind(port, address),
    listen: () => tcp().listen(8),
    connect: (address, port) => socket.connect(address, port),
    accept() {
      const accepted = tcp().accept();
      return accepted && contractSocket(accepted);
    },
    send: (data) => void socket.send(bytesOf(data)),
    sendTo: (data, address, port) => (socket as UdpSocket).send(bytesOf(data), address, port),
    receiveFrom() {
      const datagram = (socket as UdpSocket).receive();
      return datagram && { address: datagram.address, port: datagram.port };
    },
    peer: () => socket.remoteEnd(),
    receive: () => (socket instanceof TcpSocket ? socket.receive() : socket.receive()?.data),
    localPort: () => socket.localEnd().port,
    sharePort: () => socket.setsockopt(1, 15, 1),
    setOption: (level, name, value) => socket.setsockopt(level, name, value),
    getOption(level, name) {
      const value = socket.getsockopt(level, name, 4);
      return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
    },
    close: () => socket.close(),
  };
}
