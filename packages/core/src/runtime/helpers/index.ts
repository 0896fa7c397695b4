import type { Environment } from "../environment.js";
import { cgroupHelpers } from "./cgroup.js";
import { checksumHelpers } from "./checksum.js";
import { clockHelpers } from "./clock.js";
import { currentTaskHelpers } from "./current-task.js";
import { defineHelpers, type HelperFamily } from "./definition.js";
import { dynptrHelpers } from "./dynptr.js";
import { fibHelpers } from "./fib.js";
import { kernelSocketHelpers } from "./kernel-socket.js";
import { localStorageHelpers } from "./local-storage.js";
import { lockHelpers } from "./lock.js";
import { loopHelpers } from "./loop.js";
import { lwtHelpers } from "./lwt.js";
import { mapHelpers } from "./map.js";
import { mtuHelpers } from "./mtu.js";
import { perCpuHelpers } from "./per-cpu.js";
import { perfEventHelpers } from "./perf-event.js";
import { printHelpers } from "./print.js";
import { probeReadHelpers } from "./probe-read.js";
import { redirectHelpers } from "./redirect.js";
import { redirectMapHelpers } from "./redirect-map.js";
import { ringBufferHelpers } from "./ring-buffer.js";
import { seqHelpers } from "./seq.js";
import { skbBytesHelpers } from "./skb-bytes.js";
import { skbRoomHelpers } from "./skb-room.js";
import { skbStateHelpers } from "./skb-state.js";
import { skbTunnelHelpers } from "./skb-tunnel.js";
import { skbVlanHelpers } from "./skb-vlan.js";
import { socketHelpers } from "./socket.js";
import { socketChoiceHelpers } from "./socket-choice.js";
import { socketMapHelpers } from "./socket-map.js";
import { socketMessageHelpers } from "./socket-message.js";
import { socketOperationHelpers } from "./socket-operation.js";
import { socketStorageHelpers } from "./socket-storage.js";
import { stackTraceHelpers } from "./stack-trace.js";
import { stringHelpers } from "./string.js";
import { synCookieHelpers } from "./syn-cookie.js";
import { sysctlHelpers } from "./sysctl.js";
import { taskHelpers } from "./task.js";
import { timerHelpers } from "./timer.js";
import { tracingHelpers } from "./tracing.js";
import { userMemoryHelpers } from "./user-memory.js";
import { userRingHelpers } from "./user-ring.js";
import { xdpHelpers } from "./xdp.js";

const families: readonly HelperFamily[] = [
  cgroupHelpers,
  checksumHelpers,
  clockHelpers,
  currentTaskHelpers,
  dynptrHelpers,
  localStorageHelpers,
  kernelSocketHelpers,
  lockHelpers,
  perCpuHelpers,
  perfEventHelpers,
  probeReadHelpers,
  fibHelpers,
  mtuHelpers,
  socketHelpers,
  socketChoiceHelpers,
  socketMapHelpers,
  socketMessageHelpers,
  socketOperationHelpers,
  socketStorageHelpers,
  loopHelpers,
  lwtHelpers,
  mapHelpers,
  printHelpers,
  redirectHelpers,
  redirectMapHelpers,
  ringBufferHelpers,
  skbBytesHelpers,
  skbRoomHelpers,
  skbStateHelpers,
  skbTunnelHelpers,
  skbVlanHelpers,
  seqHelpers,
  stackTraceHelpers,
  stringHelpers,
  synCookieHelpers,
  sysctlHelpers,
  taskHelpers,
  timerHelpers,
  tracingHelpers,
  userMemoryHelpers,
  userRingHelpers,
  xdpHelpers,
];

/** Puts every helper that is implemented into the runtime's table. Those that are missing there, no program can load. */
export function installHelpers(environment: Environment): void {
  defineHelpers(environment.runtime.helpers, environment, families);
}
