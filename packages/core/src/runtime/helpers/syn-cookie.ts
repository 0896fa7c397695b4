import { EACCES, EINVAL, ENOENT, tcpState } from "../../abi/index.js";
import type { Environment } from "../environment.js";
import type { HelperFamily } from "./definition.js";

const TCP_HEADER = 20;
const SYN = 0x02;
const FLAGS = 0x17;
const ACK = 0x10;
const OPTION_MSS = 2;
const NS_PER_MINUTE = 60_000_000_000;
/** Segment sizes that a cookie can stand for, by version of IP, and the one of a SYN that says none. */
const sizes = {
  4: { table: [536, 1300, 1440, 1460], initial: 536 },
  6: { table: [1220, 1420, 1440, 8940], initial: 1220 },
} as const;
const addresses = { 4: [12, 20], 6: [8, 40] } as const;

/**
 * SYN cookies. Those that programs ask for by the headers alone are made and checked here; the kernel's own are for
 * listening sockets whose queue has overflowed, which does not happen to those of the Machine: there is none, and none is
 * right.
 */
export const synCookieHelpers: HelperFamily = (define, environment) => {
  const { runtime, sockets } = environment;
  const { memory } = runtime;
  const headerFits = (th: number, length: number) =>
    length >= TCP_HEADER && (memory.u8[(th >>> 0) + 12]! >> 4) * 4 === length;
  const ofSocket = (flags: number) => (pointer: number, _ip: number, ipLength: number, th: number, length: number) => {
    if (!headerFits(th, length)) return -EINVAL;
    const socket = sockets.at(pointer);
    if (socket?.protocol !== "tcp" || socket.state !== tcpState.listen) return -EINVAL;
    if ((memory.u8[(th >>> 0) + 13]! & FLAGS) !== flags) return -ENOENT;
    return ipLength < 20 ? -EINVAL : -ENOENT;
  };
  define("tcp_check_syncookie", "int", ofSocket(ACK));
  const generate = ofSocket(SYN);
  define("tcp_gen_syncookie", "wide", (...args) => {
    runtime.setRegister(0, generate(...args), -1);
    return 0;
  });
  for (const version of [4, 6] as const) {
    define(`tcp_raw_gen_syncookie_ipv${version}`, "wide", (ip, th, length) => {
      if (!headerFits(th, length)) {
        runtime.setRegister(0, -EINVAL, -1);
        return 0;
      }
      const { table, initial } = sizes[version];
      const wanted = segmentSize(environment, th >>> 0, length) ?? initial;
      const index = Math.max(0, table.filter((size) => size <= wanted).length - 1);
      const sequence = memory.view.getUint32((th >>> 0) + 4, false);
      const cookie = makeCookie(environment, version, ip >>> 0, th >>> 0, { sequence, age: 0, index });
      runtime.setRegister(0, cookie, table[index]!);
      return 0;
    });
    define(`tcp_raw_check_syncookie_ipv${version}`, "int", (ip, th) => {
      const at = th >>> 0;
      const cookie = (memory.view.getUint32(at + 8, false) - 1) >>> 0;
      const sequence = (memory.view.getUint32(at + 4, false) - 1) >>> 0;
      const index = cookie & 3;
      const isOurs = [0, 1].some(
        (age) => makeCookie(environment, version, ip >>> 0, at, { sequence, age, index }) >>> 0 === cookie,
      );
      return isOurs ? 0 : -EACCES;
    });
  }
};

/** A number that only the receiver of an answer to these headers knows: 30 bits of a hash, and which segment size it is. */
function makeCookie(
  { runtime, clock }: Environment,
  version: 4 | 6,
  ip: number,
  th: number,
  { sequence, age, index }: { readonly sequence: number; readonly age: number; readonly index: number },
): number {
  const { memory } = runtime;
  const [from, to] = addresses[version];
  const minute = Math.floor(clock.monotonic() / NS_PER_MINUTE) - age;
  let hash = SECRET ^ minute;
  for (const byte of memory.copy(ip + from, to - from)) hash = mix(hash ^ byte);
  hash = mix(hash ^ memory.view.getUint32(th, false));
  hash = mix(hash ^ sequence ^ index);
  return (hash & ~3) | index;
}

/** The same on every Machine: nobody attacks one. */
const SECRET = 0x5eed_c00c;

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

/** What the header's option says of the segments that its sender takes. */
function segmentSize({ runtime }: Environment, th: number, length: number): number | undefined {
  const { u8 } = runtime.memory;
  for (let at = th + TCP_HEADER; at < th + length; ) {
    const kind = u8[at]!;
    if (kind === 0) return undefined;
    const size = kind === 1 ? 1 : u8[at + 1]!;
    if (size === 0) return undefined;
    if (kind === OPTION_MSS && size === 4) return (u8[at + 2]! << 8) | u8[at + 3]!;
    at += size;
  }
  return undefined;
}
