/**
 * The error numbers that maps and helpers answer with, as on x86-64 and every other architecture with the generic
 * numbers. ENOTSUPP is the kernel's own, which bpf(2) lets through although errno(3) doesn't have it.
 */
export const EPERM = 1;
export const ENOENT = 2;
export const ENXIO = 6;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOSPC = 28;
export const ERANGE = 34;
export const EDEADLK = 35;
export const ELOOP = 40;
export const EPROTO = 71;
export const EBADMSG = 74;
export const EOVERFLOW = 75;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EPROTONOSUPPORT = 93;
export const EPROTOTYPE = 91;
export const EINPROGRESS = 115;
export const ECONNREFUSED = 111;
export const ETIMEDOUT = 110;
export const ENOTCONN = 107;
export const EISCONN = 106;
export const ECONNRESET = 104;
export const EDESTADDRREQ = 89;
export const ENOPROTOOPT = 92;
export const EPIPE = 32;
export const ENOTSUPP = 524;
export const EXDEV = 18;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const ENAMETOOLONG = 36;
export const ENOTEMPTY = 39;
export const EBADRQC = 56;
export const ENOLINK = 67;
export const EMSGSIZE = 90;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ENOBUFS = 105;
export const EHOSTUNREACH = 113;
export const ENOTSOCK = 88;
export const EALREADY = 114;

/** Results from -4095 to -1 are errors (`IS_ERR_VALUE`). */
export const MAX_ERRNO = 4095;

const names: ReadonlyMap<number, string> = new Map(
  Object.entries({
    EPERM,
    ENOENT,
    ENXIO,
    E2BIG,
    EBADF,
    EAGAIN,
    ENOMEM,
    EACCES,
    EFAULT,
    EBUSY,
    EEXIST,
    ENODEV,
    EINVAL,
    ENOSPC,
    ERANGE,
    EDEADLK,
    ELOOP,
    EPROTO,
    EBADMSG,
    EOVERFLOW,
    ENOTSOCK,
    EALREADY,
    EOPNOTSUPP,
    EAFNOSUPPORT,
    EPROTONOSUPPORT,
    EPROTOTYPE,
    EINPROGRESS,
    ECONNREFUSED,
    ETIMEDOUT,
    ENOTCONN,
    EISCONN,
    ECONNRESET,
    EDESTADDRREQ,
    ENOPROTOOPT,
    EPIPE,
    EXDEV,
    ENOTDIR,
    EISDIR,
    ENAMETOOLONG,
    ENOTEMPTY,
    EBADRQC,
    ENOLINK,
    EMSGSIZE,
    EADDRINUSE,
    EADDRNOTAVAIL,
    ENETDOWN,
    ENETUNREACH,
    ENOBUFS,
    EHOSTUNREACH,
    ENOTSUPP,
  }).map(([name, errno]) => [errno, name]),
);

/** A positive errno's name, e.g. `"EPERM"`, or its number where it isn't one of the above. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}
