import { execFileSync } from "node:child_process";
import koffi from "koffi";
import { FileDescriptor, lastErrno, libc, NativeBuffer, NetworkNamespace, syscallError } from "../sys/index.js";

const library = koffi.load(null);
const socket = library.func("int socket(int, int, int)");
const bind = library.func("int bind(int, uintptr_t, uint)");
const connect = library.func("int connect(int, uintptr_t, uint)");
const listen = library.func("int listen(int, int)");
const accept = library.func("int accept4(int, uintptr_t, uintptr_t, int)");
const send = library.func("long send(int, uintptr_t, size_t, int)");
const recv = library.func("long recv(int, uintptr_t, size_t, int)");
const sendto = library.func("long sendto(int, uintptr_t, size_t, int, uintptr_t, uint)");
const recvfrom = library.func("long recvfrom(int, uintptr_t, size_t, int, uintptr_t, uintptr_t)");
const getpeername = library.func("int getpeername(int, uintptr_t, uintptr_t)");
const getsockname = library.func("int getsockname(int, uintptr_t, uintptr_t)");
const ifNameToIndex = library.func("if_nametoindex", "uint", ["const char *"]);

const AF_INET = 2;
const AF_PACKET = 17;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const ETH_P_ALL = 0x0300;

/** Runs `ip` with arguments in one string, in the calling thread's network namespace. */
export function ip(command: string): string {
  return execFileSync("ip", command.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/**
 * Two network namespaces without names, so that nothing is left of them whatever happens, joined by a veth pair: `left`
 * has 10.77.0.1, `right` 10.77.0.2.
 */
export class VethPair {
  readonly left = NetworkNamespace.create();
  readonly right = NetworkNamespace.create();

  constructor() {
    this.right.run(() => {
      ip("link set lo up");
      ip(`link add right type veth peer name left netns /proc/${process.pid}/fd/${this.left.fd}`);
      ip("link set right up addrgenmode none");
      ip("addr add 10.77.0.2/24 dev right");
    });
    this.left.run(() => {
      ip("link set lo up");
      ip("link set left up addrgenmode none");
      ip("addr add 10.77.0.1/24 dev left");
    });
  }

  close(): void {
    this.left.close();
    this.right.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A non-blocking socket of the calling thread's network namespace. */
export class TestSocket {
  readonly #fd: FileDescriptor;
  readonly #buffer = new NativeBuffer(65_536);

  private constructor(fd: number) {
    this.#fd = new FileDescriptor(fd, "socket");
  }

  static open(domain: number, type: number, protocol = 0): TestSocket {
    return new TestSocket(check("socket", socket(domain, type | SOCK_NONBLOCK_CLOEXEC, protocol)));
  }

  /** Sees every frame of a device, and sends frames on it. */
  static packet(device: string): TestSocket {
    const opened = TestSocket.open(AF_PACKET, 3, ETH_P_ALL);
    const address = new NativeBuffer(20);
    address.view.setUint16(0, AF_PACKET, true);
    address.view.setUint16(2, ETH_P_ALL, true);
    address.view.setInt32(4, ifNameToIndex(device), true);
    check("bind", bind(opened.fd, address.address, 20));
    return opened;
  }

  static udp(): TestSocket {
    return TestSocket.open(AF_INET, 2);
  }

  static tcp(): TestSocket {
    return TestSocket.open(AF_INET, 1);
  }

  get fd(): number {
    return this.#fd.number;
  }

  /** SO_REUSEPORT */
  sharePort(): this {
    const one = new NativeBuffer(4);
    one.view.setInt32(0, 1, true);
    check("setsockopt", libc().setsockopt(this.fd, 1, 15, one.address, 4));
    return this;
  }

  /** A socket option of 4 bytes. */
  setOption(level: number, name: number, value: number): void {
    const buffer = new NativeBuffer(4);
    buffer.view.setInt32(0, value, true);
    check("setsockopt", libc().setsockopt(this.fd, level, name, buffer.address, 4));
  }

  getOption(level: number, name: number): number {
    const buffer = new NativeBuffer(8);
    buffer.view.setInt32(4, 4, true);
    check("getsockopt", libc().getsockopt(this.fd, level, name, buffer.address, buffer.address + 4));
    return buffer.view.getInt32(0, true);
  }

  /** TCP_CONGESTION */
  congestion(name: string): this {
    const text = new NativeBuffer(16);
    text.bytes.set(new TextEncoder().encode(name));
    check("setsockopt", libc().setsockopt(this.fd, 6, 13, text.address, name.length));
    return this;
  }

  bind(address: string, port: number): this {
    const name = inetAddress(address, port);
    check("bind", bind(this.fd, name.address, name.length));
    return this;
  }

  /** A TCP connection is under way afterwards, at once so on one machine. */
  connect(address: string, port: number): this {
    const name = inetAddress(address, port);
    const result = connect(this.fd, name.address, name.length);
    if (result < 0 && lastErrno() !== 115) check("connect", result);
    return this;
  }

  listen(): this {
    check("listen", listen(this.fd, 8));
    return this;
  }

  accept(): TestSocket | undefined {
    const fd = accept(this.fd, 0, 0, SOCK_NONBLOCK_CLOEXEC);
    return fd < 0 ? undefined : new TestSocket(fd);
  }

  send(bytes: Uint8Array | string): void {
    if (!this.trySend(bytes)) throw syscallError("send", lastErrno());
  }

  /** False where the kernel, or a program in it, does not let it out. */
  trySend(bytes: Uint8Array | string): boolean {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    this.#buffer.bytes.set(data);
    return send(this.fd, this.#buffer.address, data.length, 0) >= 0;
  }

  /** What has arrived, or undefined. */
  receive(): Uint8Array | undefined {
    const length = recv(this.fd, this.#buffer.address, this.#buffer.length, 0);
    return length < 0 ? undefined : this.#buffer.bytes.slice(0, length);
  }

  sendTo(bytes: Uint8Array | string, address: string, port: number): void {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    this.#buffer.bytes.set(data);
    const name = inetAddress(address, port);
    check("sendto", Number(sendto(this.fd, this.#buffer.address, data.length, 0, name.address, name.length)));
  }

  /** Who sent what has arrived, which is gone then. */
  receiveFrom(): { address: string; port: number } | undefined {
    const name = new NativeBuffer(24);
    name.view.setUint32(16, 16, true);
    const { address, length } = this.#buffer;
    const size = Number(recvfrom(this.fd, address, length, 0, name.address, name.address + 16));
    return size < 0 ? undefined : endOf(name);
  }

  peer(): { address: string; port: number } {
    const name = new NativeBuffer(24);
    name.view.setUint32(16, 16, true);
    check("getpeername", getpeername(this.fd, name.address, name.address + 16));
    return endOf(name);
  }

  localPort(): number {
    const name = new NativeBuffer(24);
    name.view.setUint32(16, 16, true);
    check("getsockname", getsockname(this.fd, name.address, name.address + 16));
    return name.view.getUint16(2, false);
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function endOf({ bytes, view }: NativeBuffer): { address: string; port: number } {
  return { address: [...bytes.subarray(4, 8)].join("."), port: view.getUint16(2, false) };
}

function inetAddress(address: string, port: number): NativeBuffer {
  const name = new NativeBuffer(16);
  name.view.setUint16(0, AF_INET, true);
  name.view.setUint16(2, port, false);
  name.bytes.set(address.split(".").map(Number), 4);
  return name;
}

function check(what: string, result: number): number {
  if (result < 0) throw syscallError(what, lastErrno());
  return result;
}

/** An Ethernet frame with a UDP packet to port 4242, which the test programs look for. */
export function markedFrame(length = 60): Uint8Array {
  const frame = new Uint8Array(length);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, 1], 6);
  view.setUint16(12, 0x0800);
  frame[14] = 0x45;
  view.setUint16(16, length - 14);
  frame[22] = 64;
  frame[23] = 17;
  frame.set([10, 77, 0, 1, 10, 77, 0, 2], 26);
  view.setUint16(34, 5555);
  view.setUint16(36, 4242);
  view.setUint16(38, length - 34);
  return frame;
}

/** Waits until `condition` holds; the kernel delivers some things a moment later. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it did not happen in 2 s: ${what}`);
}
