export { type DeviceAccess, DeviceContext } from "./device-context.js";
export { type LookedUp, SkLookupContext } from "./sk-lookup-context.js";
export { SkMsgContext } from "./sk-msg-context.js";
export { type SharedPacket, SkReuseportContext } from "./sk-reuseport-context.js";
export { SockAddrContext } from "./sock-addr-context.js";
export { SockContext } from "./sock-context.js";
export { type SocketOperation, SockOpsContext } from "./sock-ops-context.js";
export { SOCKOPT_VALUE_MAX, SockoptContext } from "./sockopt-context.js";
export { SysctlContext } from "./sysctl-context.js";
