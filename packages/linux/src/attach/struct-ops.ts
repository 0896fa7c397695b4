import { attachTypeId } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import type { BpfMap } from "@tsbpf/core/host";
import { StructOpsMap } from "../host/struct-ops.js";
import { BpfCall, bpf, duplicate, syscallError } from "../sys/index.js";
import { Attachment, BpfLink, type KernelLink } from "./link.js";

const onlyKey = new Uint8Array(4);

function implementation(map: BpfMap) {
  const { raw } = map;
  const program = raw instanceof StructOpsMap ? raw.programs[0] : undefined;
  if (raw instanceof StructOpsMap && program !== undefined) return { raw, program };
  throw new BpfError("MAP_TYPE", `map '${map.name}' is no struct_ops map that was loaded with its programs`, {
    map: map.name,
  });
}

/**
 * As `Linux.attachStructOps`, to stay: undefined for a map that is in force until somebody deletes its element, although
 * everything of this process is gone; for others the link, with which it goes unless that is pinned.
 */
export function registerStructOps(map: BpfMap): BpfLink | undefined {
  const { raw, program } = implementation(map);
  bpf("BPF_MAP_UPDATE_ELEM", { map_fd: raw.fd, key: onlyKey, value: raw.value }, `of '${map.name}'`);
  if (!raw.linked) return undefined;
  const result = new BpfCall("BPF_LINK_CREATE", { map_fd: raw.fd, attach_type: attachTypeId("struct_ops") }).try();
  if (result < 0) throw syscallError(`BPF_LINK_CREATE of struct_ops '${map.name}'`, -result);
  return new BpfLink("struct_ops", result, program);
}

/**
 * Puts an implementation of a kernel interface in force (since 5.6): by a link for maps of `.struct_ops.link` (6.4), else
 * by writing the map; then it stays in force when this process is killed and the map is pinned or in use.
 *
 * @throws BpfError `"MAP_TYPE"` for a map that is no struct_ops map, or that was not loaded with its programs.
 */
export function attachStructOps(map: BpfMap): KernelLink {
  const link = registerStructOps(map);
  if (link !== undefined) return link;
  const { raw, program } = implementation(map);
  const owner = duplicate(raw.fd, `map '${map.name}'`);
  const detach = () => {
    bpf("BPF_MAP_DELETE_ELEM", { map_fd: owner.number, key: onlyKey }, `of '${map.name}'`);
    owner.close();
  };
  return new Attachment("struct_ops", program, { detach }, { outlives: true });
}
