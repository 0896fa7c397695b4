import {
  EINVAL,
  ENODEV,
  ENOPROTOOPT,
  EPERM,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  tcpState,
} from "../../abi/index.js";
import { decodeText, encodeText } from "../../base/index.js";
import type { Socket } from "./socket.js";

const SOL_SOCKET = 1;
const LARGEST_CONGESTION_NAME = 16;

/** A socket option: bytes, or a negative errno. */
interface Option {
  get?(socket: Socket): number | bigint | Uint8Array;
  /** 0, or a negative errno. */
  set?(socket: Socket, value: number, bytes: Uint8Array): number;
  /** Only for TCP sockets. */
  readonly isTcp?: boolean;
}

/** An option that is a number, which the stack here keeps and does nothing with. */
function kept(name: string, initial: number, isTcp = false): Option {
  return {
    isTcp,
    get: (socket) => socket.otherOptions.get(name) ?? initial,
    set: (socket, value) => {
      socket.otherOptions.set(name, value);
      return 0;
    },
  };
}

function done(work: () => void): number {
  work();
  return 0;
}

/** By level and number. */
const options: Readonly<Record<string, Option>> = {
  [`${SOL_SOCKET} 2`]: {
    get: (socket) => Number(socket.reuseAddress),
    set: (socket, value) => done(() => (socket.reuseAddress = value !== 0)),
  },
  [`${SOL_SOCKET} 3`]: { get: ({ protocol }) => (protocol === "tcp" ? 1 : 2) },
  [`${SOL_SOCKET} 4`]: { get: (socket) => takeError(socket) },
  [`${SOL_SOCKET} 7`]: kept("SO_SNDBUF", 212_992),
  [`${SOL_SOCKET} 8`]: kept("SO_RCVBUF", 212_992),
  [`${SOL_SOCKET} 9`]: kept("SO_KEEPALIVE", 0),
  [`${SOL_SOCKET} 12`]: {
    get: ({ priority }) => priority,
    set: (socket, value) => done(() => (socket.priority = value >>> 0)),
  },
  [`${SOL_SOCKET} 15`]: {
    get: ({ reusePort }) => Number(reusePort),
    set: (socket, value) => done(() => (socket.reusePort = value !== 0)),
  },
  [`${SOL_SOCKET} 18`]: kept("SO_RCVLOWAT", 1),
  [`${SOL_SOCKET} 25`]: {
    get: (socket) => {
      const device = socket.boundDevice === undefined ? undefined : socket.namespace.findDevice(socket.boundDevice);
      return encodeText(device === undefined ? "" : `${device.name}\0`);
    },
    set: (socket, _value, bytes) => bindToDevice(socket, decodeText(bytes).replace(/\0.*/s, "")),
  },
  [`${SOL_SOCKET} 30`]: { get: ({ state }) => Number(state === tcpState.listen) },
  [`${SOL_SOCKET} 36`]: {
    get: ({ mark }) => mark,
    set: (socket, value) => done(() => (socket.mark = value >>> 0)),
  },
  [`${SOL_SOCKET} 38`]: { get: ({ protocol }) => (protocol === "tcp" ? 6 : 17) },
  [`${SOL_SOCKET} 39`]: { get: ({ family }) => (family.version === 4 ? 2 : 10) },
  [`${SOL_SOCKET} 47`]: kept("SO_MAX_PACING_RATE", -1),
  [`${SOL_SOCKET} 57`]: { get: ({ cookie }) => cookie },
  [`${SOL_SOCKET} 62`]: {
    get: ({ boundDevice }) => boundDevice ?? 0,
    set: (socket, value) => {
      if (value !== 0 && socket.namespace.findDevice(value) === undefined) return -ENODEV;
      socket.boundDevice = value === 0 ? undefined : value;
      return 0;
    },
  },
  [`${SOL_SOCKET} 71`]: { get: ({ namespaceCookie }) => namespaceCookie },
  [`${IPPROTO_IP} 1`]: kept("IP_TOS", 0),
  [`${IPPROTO_IP} 2`]: kept("IP_TTL", 64),
  [`${IPPROTO_IPV6} 16`]: kept("IPV6_UNICAST_HOPS", 64),
  [`${IPPROTO_IPV6} 67`]: kept("IPV6_TCLASS", 0),
  [`${IPPROTO_TCP} 1`]: kept("TCP_NODELAY", 0, true),
  [`${IPPROTO_TCP} 2`]: { isTcp: true, get: ({ connection }) => connection!.maximumSegment },
  [`${IPPROTO_TCP} 4`]: kept("TCP_KEEPIDLE", 7200, true),
  [`${IPPROTO_TCP} 5`]: kept("TCP_KEEPINTVL", 75, true),
  [`${IPPROTO_TCP} 6`]: kept("TCP_KEEPCNT", 9, true),
  [`${IPPROTO_TCP} 10`]: kept("TCP_WINDOW_CLAMP", 0, true),
  [`${IPPROTO_TCP} 13`]: {
    isTcp: true,
    get: () => encodeText("reno".padEnd(LARGEST_CONGESTION_NAME, "\0")),
    // The only one that there is.
    set: (_socket, _value, bytes) => (decodeText(bytes).replace(/\0.*/s, "") === "reno" ? 0 : -2),
  },
  [`${IPPROTO_TCP} 18`]: kept("TCP_USER_TIMEOUT", 0, true),
  [`${IPPROTO_TCP} 1001`]: {
    isTcp: true,
    set: (socket, value) => {
      const connection = socket.connection!;
      if (value <= 0 || connection.statistics.dataSegmentsOut > 0) return -EINVAL;
      connection.congestion.window = value;
      return 0;
    },
  },
  [`${IPPROTO_TCP} 1002`]: {
    isTcp: true,
    set: (socket, value) => {
      if (value <= 0) return -EINVAL;
      const { congestion } = socket.connection!;
      congestion.clamp = value;
      congestion.threshold = value;
      return 0;
    },
  },
  [`${IPPROTO_TCP} 1008`]: {
    isTcp: true,
    get: ({ callbackFlags }) => callbackFlags,
    set: (socket, value) => {
      if (value & ~0x7f) return -EINVAL;
      socket.callbackFlags = value;
      return 0;
    },
  },
};

/** A socket option as the kernel answers it, at most `size` bytes; a negative errno for one that isn't there. */
export function getSocketOption(socket: Socket, level: number, name: number, size: number): Uint8Array | number {
  const option = optionOf(socket, level, name);
  const value = option?.get?.(socket);
  if (value === undefined) return -ENOPROTOOPT;
  if (size < 0) return -EINVAL;
  return (value instanceof Uint8Array ? value : bytesOf(value)).slice(0, size);
}

/** Sets a socket option: 0, or a negative errno. */
export function setSocketOption(socket: Socket, level: number, name: number, value: Uint8Array): number {
  const option = optionOf(socket, level, name);
  if (option?.set === undefined) return -ENOPROTOOPT;
  const isText = (level === SOL_SOCKET && name === 25) || (level === IPPROTO_TCP && name === 13);
  if (!isText && value.length < 4) return -EINVAL;
  const number = value.length < 4 ? 0 : new DataView(value.buffer, value.byteOffset).getInt32(0, true);
  return option.set(socket, number, value);
}

function optionOf(socket: Socket, level: number, name: number): Option | undefined {
  const option = options[`${level} ${name}`];
  return option?.isTcp && socket.protocol !== "tcp" ? undefined : option;
}

function bytesOf(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(typeof value === "bigint" ? 8 : 4);
  const view = new DataView(bytes.buffer);
  if (typeof value === "bigint") view.setBigUint64(0, value, true);
  else view.setInt32(0, value, true);
  return bytes;
}

function bindToDevice(socket: Socket, name: string): number {
  if (name === "") socket.boundDevice = undefined;
  else {
    const device = socket.namespace.findDevice(name);
    if (device === undefined) return -ENODEV;
    if (socket.boundDevice !== undefined && socket.boundDevice !== device.index) return -EPERM;
    socket.boundDevice = device.index;
  }
  return 0;
}

/** SO_ERROR tells an error once. */
function takeError({ connection }: Socket): number {
  const error = connection?.error ?? 0;
  if (connection !== undefined) connection.error = 0;
  return error;
}
