export { attachCgroup } from "./cgroup.js";
export { attachReplacement } from "./freplace.js";
export { attachIterator, IteratorLink, type IteratorOptions } from "./iterator.js";
export { attachKprobe, attachKprobeMulti, type KprobeMultiOptions, type KprobeOptions } from "./kprobe.js";
export { Attachment, BpfLink, type KernelLink } from "./link.js";
export { attachLwt, type LwtRoute } from "./lwt.js";
export { attachNetfilter, attachNetworkNamespace, type NetfilterOptions } from "./network-namespace.js";
export { OpenLinks } from "./open-links.js";
export { attachClassicFilter, attachReuseport, attachSocketFilter } from "./socket.js";
export { attachSockmap } from "./sockmap.js";
export { attachStructOps, registerStructOps } from "./struct-ops.js";
export { attachClsact, attachTcx, type ClsactOptions, type Direction, type TcxOptions } from "./tc.js";
export {
  attachPerf,
  attachRawTracepoint,
  attachTracepoint,
  type CookieOptions,
  type PerfEventOptions,
} from "./tracepoint.js";
export {
  attachUprobe,
  attachUprobeMulti,
  type UprobeMultiOptions,
  type UprobeOptions,
  type UprobePlace,
} from "./uprobe.js";
export { attachUsdt, findUsdt, type UsdtOptions } from "./usdt.js";
export { attachXdp, type XdpOptions } from "./xdp.js";
