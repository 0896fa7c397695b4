export {
  canLoadFor,
  functionsWithoutReturn,
  type IteratorArgument,
  iteratorTargets,
  lsmHooks,
  modifiableFunctions,
  type StructOpsRules,
  sleepableFunctions,
  structOpsRules,
  tracepointArgument,
  untraceableFunctions,
} from "./attach-facts.js";
export { type AttachType, attachTypeId, attachTypeName, attachTypes } from "./attach-types.js";
export {
  type Capability,
  capabilities,
  capabilitiesToLoad,
  hasCapability,
  isCapability,
  UNPRIVILEGED_SLOTS,
} from "./capabilities.js";
export {
  type ContextAccess,
  type ContextField,
  type ContextLayout,
  type ContextPointer,
  type ContextQuery,
  findContextField,
} from "./context-layout.js";
export {
  E2BIG,
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  EBADF,
  EBADMSG,
  EBADRQC,
  EBUSY,
  ECONNREFUSED,
  ECONNRESET,
  EDEADLK,
  EDESTADDRREQ,
  EEXIST,
  EFAULT,
  EHOSTUNREACH,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  EISDIR,
  ELOOP,
  EMSGSIZE,
  ENAMETOOLONG,
  ENETDOWN,
  ENETUNREACH,
  ENOBUFS,
  ENODEV,
  ENOENT,
  ENOLINK,
  ENOMEM,
  ENOPROTOOPT,
  ENOSPC,
  ENOTCONN,
  ENOTDIR,
  ENOTEMPTY,
  ENOTSOCK,
  ENOTSUPP,
  ENXIO,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
  EPIPE,
  EPROTO,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ERANGE,
  ETIMEDOUT,
  EXDEV,
  errnoName,
  MAX_ERRNO,
} from "./errno.js";
export { baseHelpers, helperGrants } from "./helper-grants.js";
export type {
  ArgumentKind,
  DynptrKind,
  HelperArgument,
  HelperPrototype,
  HelperReturn,
  ReturnKind,
} from "./helper-prototype.js";
export { HELPER_TAIL_CALL, helperName, helperNumbers, helperPrototypes } from "./helpers.js";
export { versionExterns } from "./kconfig.js";
export { type KernelTarget, kernelObjectName, kernelTarget, MISSING_KFUNC_CALL, untypedMaps } from "./kernel-names.js";
export { type BuiltWithout, builtWithout, type KernelConfig, parseKernelConfig } from "./kernel-options.js";
export {
  attachTypeChecked,
  attachTypesSince,
  type FlagSince,
  hasSince,
  isKernelVersion,
  type KernelLimits,
  type KernelVersion,
  kernelVersions,
  limitsOfKernel,
  mapFlagsSince,
  programFlagsSince,
} from "./kernel-versions.js";
export { kfuncs } from "./kfuncs.js";
export { isGplCompatible } from "./licenses.js";
export {
  BPF_ANY,
  BPF_EXIST,
  BPF_F_CLONE,
  BPF_F_INNER_MAP,
  BPF_F_LINK,
  BPF_F_LOCK,
  BPF_F_MMAPABLE,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_NO_USER_CONV,
  BPF_F_NUMA_NODE,
  BPF_F_PRESERVE_ELEMS,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_SEGV_ON_FAULT,
  BPF_F_STACK_BUILD_ID,
  BPF_F_VTYPE_BTF_OBJ_FD,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
  BPF_NOEXIST,
  BPF_RB_AVAIL_DATA,
  BPF_RB_CONS_POS,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RB_PROD_POS,
  BPF_RB_RING_SIZE,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
} from "./map-flags.js";
export { helperMapRules, mapHelperRules } from "./map-helpers.js";
export { mapStruct } from "./map-structs.js";
export { isMapType, type MapType, mapTypeId, mapTypeName, mapTypes } from "./map-types.js";
export { type MinimalMap, minimalMap } from "./minimal-maps.js";
export {
  AF_INET,
  AF_INET6,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from "./network-numbers.js";
export { BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS } from "./program-flags.js";
export type { HelperGrant, HelperMapRule, Kfunc, MapHelperRule, ProgramRules, ReturnRule } from "./program-rules.js";
export { returnRule, rulesOfProgramType } from "./program-type-rules.js";
export { isProgramType, type ProgramType, programTypeId, programTypeName, programTypes } from "./program-types.js";
export { parseSectionName, type SectionMeaning, type SectionName, sectionNames } from "./section-names.js";
export {
  FLOW_KEYS_SIZE,
  sockCommonStruct,
  sockStruct,
  tcpSockStruct,
  xdpSockStruct,
} from "./socket-structs.js";
export { type TcpState, type TcpStateName, tcpState, tcpStateName } from "./tcp-states.js";
export { verdictName } from "./verdicts.js";
