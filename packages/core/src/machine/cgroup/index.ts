export type { CgroupEntry, CgroupPlace, CgroupSharing } from "./attachments.js";
export { Cgroup } from "./cgroup.js";
export { type CgroupAttachOptions, CgroupHooks } from "./cgroup-hooks.js";
export { CgroupTree } from "./cgroup-tree.js";
