import { EADDRNOTAVAIL, EAFNOSUPPORT, EBADF, EINVAL, type TcpState } from "../../abi/index.js";
import { SyscallError } from "../../base/index.js";
import type { NetworkSocket } from "../../runtime/index.js";
import type { Cgroup } from "../cgroup/index.js";
import { failure } from "../failure.js";
import type { MachineLink } from "../machine-link.js";
import type { MachineProgram } from "../machine-program.js";
import type { IpFamily } from "./ip-family.js";
import { parseIpAddress } from "./ip-family.js";
import type { Namespace } from "./namespace.js";
import type { SocketMapPrograms } from "./socket-maps.js";
import { getSocketOption, setSocketOption } from "./socket-options.js";
import { isAny } from "./socket-table.js";
import type { TcpConnection } from "./tcp/connection.js";

/** One end of a socket: an address and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** A program of a socket, or of a namespace, by the link that it was attached by. */
export interface ProgramSlot {
  readonly link: MachineLink;
  program: MachineProgram;
}

/** What decides how much of a packet a socket takes: a program, or a classic one as a function. */
export type SocketFilter = ProgramSlot | { readonly classic: (packet: Uint8Array) => number };

/** A socket of a namespace, of one version of IP. */
export abstract class Socket implements NetworkSocket {
  abstract readonly protocol: "tcp" | "udp";
  /** `BPF_TCP_*`; a UDP socket is established when it is connected, else closed. */
  abstract readonly state: TcpState;
  readonly namespace: Namespace;
  /** @internal */
  readonly family: IpFamily;
  /** For maps of sockets: `map.raw.update(key, fd)`. */
  readonly fd: number;
  /** Unique in the Machine. */
  readonly cookie: bigint;
  /** @internal What maps hold it by. */
  readonly handle: number;
  /** The control group whose programs see what it does: that of the task that made it. */
  readonly cgroup: Cgroup;
  /** The user that made it. */
  readonly uid: number;
  /** 4 or 16 bytes; all zeros for every address of the namespace. */
  localAddress: Uint8Array;
  /** 0 before it has one. */
  localPort = 0;
  remoteAddress: Uint8Array | undefined;
  remotePort: number | undefined;
  /** SO_MARK and SO_PRIORITY: what packets of it start with. */
  mark = 0;
  priority = 0;
  /** SO_REUSEPORT: others with the option may have the same address and port. */
  reusePort = false;
  /** SO_REUSEADDR. */
  reuseAddress = false;
  /** Index of the only device that it is reached by (SO_BINDTODEVICE). */
  boundDevice: number | undefined;
  /** What its programs want to hear of the connection (BPF_SOCK_OPS_*_CB_FLAG). */
  callbackFlags = 0;
  /** @internal Options that nothing here depends on. */
  readonly otherOptions = new Map<string, number>();
  /** @internal Decides what it receives (SO_ATTACH_FILTER, SO_ATTACH_BPF). */
  filter: SocketFilter | undefined;
  /** @internal The programs of maps of sockets that it is in. */
  mapPrograms: SocketMapPrograms | undefined;
  /** @internal Chooses among the sockets that share its port (SO_ATTACH_REUSEPORT_EBPF). */
  reuseportProgram: ProgramSlot | undefined;
  #open = true;

  /** @internal */
  constructor(namespace: Namespace, family: IpFamily, cgroup: Cgroup = namespace.network.cgroups.current) {
    const { network } = namespace;
    this.namespace = namespace;
    this.family = family;
    this.cgroup = cgroup;
    this.uid = network.programs.environment.task.uid;
    this.localAddress = new Uint8Array(family.addressLength);
    this.cookie = network.nextCookie();
    this.handle = Number(this.cookie);
    this.fd = network.descriptors.open(this);
  }

  /** @internal The connection, of a TCP socket. */
  abstract readonly connection: TcpConnection | undefined;

  /** False after `close`. */
  get isOpen(): boolean {
    return this.#open;
  }

  get namespaceCookie(): bigint {
    return this.namespace.cookie;
  }

  /** @internal The socket was made by a call: programs may forbid it. @throws SyscallError EPERM */
  created(): this {
    const error = this.hooks.socket(this, "cgroup_inet_sock_create");
    if (error === 0) return this;
    this.#end();
    throw failure("socket", -error, "a program of the cgroup forbids it");
  }

  /**
   * Gives it an address (all by default) and a port; 0 takes a free one.
   *
   * @throws SyscallError EADDRINUSE, EADDRNOTAVAIL, EINVAL for one that has a port, EAFNOSUPPORT for the other version of
   * IP, EPERM where a program of the cgroup forbids it.
   */
  bind(port = 0, address: string = this.family.version === 4 ? "0.0.0.0" : "::"): void {
    this.assertOpen("bind");
    const hooked = this.hooks.address(this, "bind", this.parse("bind", address), port);
    if (hooked.error !== 0) throw failure("bind", -hooked.error, "a program of the cgroup forbids it");
    if (this.localPort !== 0) throw failure("bind", EINVAL, `it has port ${this.localPort}`);
    this.bindTo(hooked.address, hooked.port);
    const error = this.hooks.socket(
      this,
      this.family.version === 4 ? "cgroup_inet4_post_bind" : "cgroup_inet6_post_bind",
    );
    if (error === 0) return;
    this.namespace.stack.sockets.remove(this);
    this.localAddress = new Uint8Array(this.family.addressLength);
    this.localPort = 0;
    throw failure("bind", -error, "a program of the cgroup forbids it");
  }

  /** Its own end, as getsockname() has it. @throws SyscallError EPERM and the like where a program says so. */
  localEnd(): SocketAddress {
    return this.#named("getsockname", this.localAddress, this.localPort);
  }

  /**
   * A socket option's value, at most `size` bytes, by the numbers of the kernel's headers.
   *
   * @throws SyscallError ENOPROTOOPT for one that isn't there, and what programs of the cgroup say.
   */
  getsockopt(level: number, name: number, size = 256): Uint8Array {
    this.assertOpen("getsockopt");
    const found = this.hooks.getOption(this, level, name, this.getOption(level, name, size), size);
    if (typeof found === "number") throw failure("getsockopt", -found, `option ${name} of level ${level}`);
    return found;
  }

  /**
   * Sets a socket option; a number stands for its 4 bytes.
   *
   * @throws SyscallError ENOPROTOOPT for one that isn't there, EINVAL, ENODEV, and what programs of the cgroup say.
   */
  setsockopt(level: number, name: number, value: Uint8Array | number): void {
    this.assertOpen("setsockopt");
    const bytes = typeof value === "number" ? numberBytes(value) : value;
    const hooked = this.hooks.setOption(this, level, name, bytes);
    const error = hooked.done ? hooked.error : this.setOption(hooked.level, hooked.name, hooked.value);
    if (error !== 0) throw failure("setsockopt", -error, `option ${name} of level ${level}`);
  }

  /** @internal For programs: no hook is asked. Bytes, or a negative errno. */
  getOption(level: number, name: number, size: number): Uint8Array | number {
    return getSocketOption(this, level, name, size);
  }

  /** @internal For programs: no hook is asked. */
  setOption(level: number, name: number, value: Uint8Array): number {
    return setSocketOption(this, level, name, value);
  }

  close(): void {
    if (!this.#open) return;
    const { network } = this.namespace;
    this.hooks.socket(this, "cgroup_inet_sock_release");
    this.#end();
    this.release();
    network.drain();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal bpf_bind(): 0, or a negative errno. */
  bindQuietly(address: Uint8Array, port: number): number {
    if (address.length !== this.family.addressLength) return -EAFNOSUPPORT;
    if (this.localPort !== 0) return -EINVAL;
    const { stack } = this.namespace;
    if (!isAny(address) && !stack.isOwn(address)) return -EADDRNOTAVAIL;
    if (port === 0) this.localAddress = address;
    else {
      const error = errnoOf(() => this.bindTo(address, port));
      if (error !== 0) return -error;
    }
    return 0;
  }

  /** @internal No map has it any more. */
  leftMaps(): void {}

  /** Gives up what it has when its last handle goes. */
  protected abstract release(): void;

  protected get hooks() {
    return this.namespace.network.hooks;
  }

  /** Takes an address and a port, without asking. */
  protected bindTo(address: Uint8Array, port: number): void {
    const { stack } = this.namespace;
    if (!isAny(address) && !stack.isOwn(address))
      throw failure("bind", EADDRNOTAVAIL, `the namespace has no address ${this.family.format(address)}`);
    const chosen = port === 0 ? stack.sockets.freePort(this.protocol) : port;
    if (port !== 0) stack.sockets.checkFree(this, address, port);
    this.localAddress = address;
    this.localPort = chosen;
    stack.sockets.add(this);
  }

  /** Where it is to be connected, as its programs want it. @throws SyscallError EPERM and the like. */
  protected askToConnect(address: Uint8Array, port: number): { readonly address: Uint8Array; readonly port: number } {
    const hooked = this.hooks.address(this, "connect", address, port);
    if (hooked.error !== 0) throw failure("connect", -hooked.error, "a program of the cgroup forbids it");
    return hooked;
  }

  /** The other end, and where it is reached from; a socket without a port gets one. */
  protected setRemote(remote: Uint8Array, port: number): void {
    const { stack } = this.namespace;
    const source = isAny(this.localAddress) ? stack.sourceTo(remote) : this.localAddress;
    if (this.localPort !== 0) stack.sockets.remove(this);
    else this.localPort = stack.sockets.freePort(this.protocol);
    this.localAddress = source;
    this.remoteAddress = remote;
    this.remotePort = port;
    stack.sockets.add(this);
  }

  /** The other end, as getpeername() has it. */
  protected peerName(): SocketAddress {
    return this.#named("getpeername", this.remoteAddress!, this.remotePort!);
  }

  protected assertOpen(call: string): void {
    if (!this.#open) throw failure(call, EBADF, "the socket is closed");
  }

  protected parse(call: string, text: string): Uint8Array {
    const address = parseIpAddress(text);
    if (address.length !== this.family.addressLength)
      throw failure(call, EAFNOSUPPORT, `${text} is no address of IPv${this.family.version}`);
    return address;
  }

  #named(call: "getsockname" | "getpeername", address: Uint8Array, port: number): SocketAddress {
    const hooked = this.hooks.address(this, call, address, port);
    if (hooked.error !== 0) throw failure(call, -hooked.error, "a program of the cgroup forbids it");
    return { address: this.family.format(hooked.address), port: hooked.port };
  }

  #end(): void {
    this.#open = false;
    const { network } = this.namespace;
    network.descriptors.close(this.fd);
    if (this.filter !== undefined && "link" in this.filter) this.filter.link.object.detach();
    this.reuseportProgram?.link.object.detach();
    network.socketClosed(this);
  }
}

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

function errnoOf(work: () => void): number {
  try {
    work();
    return 0;
  } catch (error) {
    if (error instanceof SyscallError) return error.errno;
    throw error;
  }
}
