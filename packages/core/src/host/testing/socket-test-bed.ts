import type { BpfMap, Host, SocketHooks } from "../index.js";

/** A socket of a {@link SocketTestBed}, which never waits. */
export interface ContractSocket {
  readonly fd: number;
  /** @throws SyscallError as bind() does. */
  bind(address: string, port: number): unknown;
  listen(): unknown;
  /** @throws SyscallError as connect() does, but for a connection that is under way. */
  connect(address: string, port: number): unknown;
  accept(): ContractSocket | undefined;
  /** @throws SyscallError as send() does. */
  send(bytes: Uint8Array | string): void;
  /** @throws SyscallError as sendto() does. */
  sendTo(bytes: Uint8Array | string, address: string, port: number): void;
  /** What has arrived, or undefined. */
  receive(): Uint8Array | undefined;
  /** Who sent what has arrived, as recvfrom() tells; undefined where there is nothing. */
  receiveFrom(): { readonly address: string; readonly port: number } | undefined;
  localPort(): number;
  /** As getpeername() tells. */
  peer(): { readonly address: string; readonly port: number };
  /** SO_REUSEPORT */
  sharePort(): unknown;
  /** @throws SyscallError as setsockopt() does. */
  setOption(level: number, name: number, value: number): void;
  /** @throws SyscallError as getsockopt() does. */
  getOption(level: number, name: number): number;
  close(): void;
}

/** A network namespace with a loopback device, and a cgroup with one below it, which have nothing else in them. */
export interface SocketTestBed {
  readonly host: Host & SocketHooks;
  /** Paths of the cgroups. */
  readonly outer: string;
  readonly inner: string;
  /** Runs `work` in the namespace, and in a cgroup: sockets made in it are of that one. */
  within<T>(cgroup: "outer" | "inner" | undefined, work: () => T): T;
  /** In the namespace and cgroup that {@link within} says. */
  tcp(): ContractSocket;
  udp(): ContractSocket;
  putSocket(map: BpfMap, index: number, socket: ContractSocket): void;
  /** Gives the host time: up to `attempts` rounds, ending as soon as `condition` holds. */
  wait(condition: () => boolean, attempts: number): Promise<void>;
  close(): void;
}
