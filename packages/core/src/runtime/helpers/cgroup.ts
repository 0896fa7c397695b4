import { E2BIG, EAGAIN, EINVAL, ENOENT } from "../../abi/index.js";
import { CgroupStorageMap, DescriptorArrayMap } from "../../maps/index.js";
import { ancestorOf, type ControlGroup } from "../control-group.js";
import type { HelperFamily } from "./definition.js";

/** Control groups: the task's, a packet's, and the attachment that a program runs for. */
export const cgroupHelpers: HelperFamily = (define, environment) => {
  const { runtime, maps, sockets } = environment;
  define("get_current_ancestor_cgroup_id", "wide", (level) => {
    const id = ancestorOf(environment.cgroup, level)?.id ?? 0n;
    runtime.setRegister(0, Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n)));
    return 0;
  });
  const isUnder = (map: number, index: number, group: ControlGroup): number => {
    const live = maps.mapAt(map >>> 0);
    if (live === undefined || index >>> 0 >= live.maxEntries) return -E2BIG;
    const handle = live instanceof DescriptorArrayMap ? live.handleOf(index) : 0;
    const held = environment.heldCgroups.get(handle);
    if (held === undefined) return -EAGAIN;
    for (let each: ControlGroup | undefined = group; each !== undefined; each = each.parent)
      if (each.id === held.id) return 1;
    return 0;
  };
  define("current_task_under_cgroup", "int", (map, index) => isUnder(map, index, environment.cgroup));
  define("skb_under_cgroup", "int", (skb, map, index) => {
    const socket = sockets.at(skb);
    return socket === undefined ? -ENOENT : isUnder(map, index, socket.cgroup ?? environment.cgroup);
  });
  define("get_retval", "int", () => environment.cgroupRun?.retval ?? 0);
  define("set_retval", "int", (value) => {
    if (environment.cgroupRun === undefined) return -EINVAL;
    environment.cgroupRun.retval = value;
    return 0;
  });
  define("get_local_storage", "uint", (map) => {
    const live = maps.mapAt(map >>> 0);
    const key = environment.cgroupRun?.storageKey;
    if (!(live instanceof CgroupStorageMap) || key === undefined) return 0;
    return live.storageOf(storageKey(live.keySize, key.cgroup, key.attachType));
  });
};

/** The key of a group's storage in a map: its id, with the attach type where the keys have room for one. */
export function storageKey(size: number, cgroup: bigint, attachType: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, cgroup, true);
  if (size > 8) view.setUint32(8, attachType, true);
  return bytes;
}
