#!/usr/bin/env node
// Takes from the running kernel's BTF the types that the verifier may need, and writes them to
// packages/core/src/kernel-types/, for machines that have no kernel to ask.
//
//     npm run generate:kernel-types               (needs Linux 6.18 on x86-64, and a build)
//     npm run generate:kernel-types -- --check    fail where the committed file would change
//
// Kept are the kernel functions that programs call, what programs attach to (tracepoints, LSM hooks, iterators, struct_ops
// and the functions that are traced most), variables, the structs that contexts, helpers and maps stand for, and all that
// these refer to, without a limit of depth: a walk from pointer to pointer ends where it does in the kernel.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { arch, release } from "node:os";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  encodeBtf,
  helperPrototypes,
  kfuncs,
  mapStruct,
  mapTypeIds,
  mapTypes,
  parseBtf,
  structOpsRules,
  typeIdsOf,
} from "../packages/core/dist/index.js";

const source = "/sys/kernel/btf/vmlinux";
const output = new URL("../packages/core/src/kernel-types/linux-6.18-x86-64.ts", import.meta.url);

/** Functions that are traced by name: system calls, and the networking, file, scheduling and security entry points. */
const traced = new RegExp(
  `^(?:${[
    ...["__x64_sys_", "ksys_", "do_", "__do_", "vfs_", "filp_", "kernel_", "security_", "cgroup_", "mmap_", "oom_"],
    ...["exit_", "sched_", "wake_up_", "try_to_wake_up", "tcp_", "udp_", "udpv6_", "ip_", "ip6_", "inet_", "inet6_"],
    ...[
      "sock_",
      "sk_",
      "skb_",
      "__skb_",
      "netif_",
      "dev_",
      "__dev_",
      "unix_",
      "icmp_",
      "arp_",
      "neigh_",
      "nf_",
      "fib_",
    ],
    ...["blk_", "submit_bio", "bpf_iter_", "bpf_lsm_", "__bpf_trace_", "bpf_fentry_test", "bpf_modify_return_test"],
  ].join("|")})`,
);

/** Structs that are asked for by name, of contexts, of packets, of tracepoints' records, and what says which of their members are valid. */
const namedStructs =
  /^(?:bpf_|trace_event_raw_|task_|sock|__sk_buff$|xdp_|pt_regs$|user_regs_struct$|ethhdr$|iphdr$|ipv6hdr$|tcphdr$|udphdr$|icmphdr$|icmp6hdr$|vlan_hdr$|sctphdr$|linux_binprm$)|__safe_(?:rcu|trusted)(?:_or_null)?$/;

/** Types to start from. */
function rootsOf(btf) {
  const functions = new Set(kfuncs.map(({ name }) => name));
  const helperStructs = helperPrototypes.flatMap(({ args, returns }) => [...args, returns].map(({ struct }) => struct));
  const structs = new Set([
    ...helperStructs,
    ...mapTypes.map(({ name }) => mapStruct(name)),
    ...Object.keys(structOpsRules),
    "sk_buff",
    "tcp_sock",
    "file",
  ]);
  const wanted = {
    func: (name) => functions.has(name) || traced.test(name),
    typedef: (name) => name.startsWith("btf_trace_"),
    struct: (name) => structs.has(name) || namedStructs.test(name),
    union: (name) => namedStructs.test(name),
    enum: (name) => name.startsWith("bpf_"),
    enum64: (name) => name.startsWith("bpf_"),
    var: () => true,
    datasec: () => true,
  };
  const roots = [];
  for (let id = 1; id < btf.length; id++) {
    if (wanted[btf.kind(id)]?.(btf.name(id))) roots.push(id);
  }
  return roots;
}

/** All that the roots refer to, with the types of the same name beside each struct, and the tags on each. */
function closureOf(btf, roots) {
  const seen = new Set([0]);
  const queue = [...roots];
  const add = (id) => {
    if (seen.has(id)) return;
    seen.add(id);
    const type = btf.type(id);
    queue.push(...typeIdsOf(type));
    if ((type.kind === "struct" || type.kind === "union") && type.name !== "") queue.push(...btf.find(type.name));
  };
  while (queue.length > 0) add(queue.pop());
  for (let id = 1; id < btf.length; id++) {
    const type = btf.kind(id) === "decl_tag" ? btf.type(id) : undefined;
    if (type !== undefined && seen.has(type.type)) seen.add(id);
  }
  seen.delete(0);
  return [...seen].sort((a, b) => a - b);
}

function select(btf) {
  const ids = closureOf(btf, rootsOf(btf));
  const renumbered = new Map([[0, 0], ...ids.map((id, index) => [id, index + 1])]);
  return encodeBtf(ids.map((id) => mapTypeIds(btf.type(id), (each) => renumbered.get(each))));
}

function moduleOf(types) {
  const text = gzipSync(types, { level: 9 }).toString("base64");
  return `// Written by scripts/generate-kernel-types.mjs; do not edit.

/** ${types.length} bytes of BTF: gzip, in base64. */
export const compressed =
  "${text}";
`;
}

function main() {
  if (!existsSync(source) || !release().startsWith("6.18.") || arch() !== "x64") {
    console.error("the types are taken from a running Linux 6.18 on x86-64 with BTF");
    process.exit(1);
  }
  const types = select(parseBtf(new Uint8Array(readFileSync(source))));
  if (process.argv.includes("--check")) {
    const committed = /"([\w+/=]+)";/.exec(readFileSync(output, "utf8"))?.[1] ?? "";
    // Other versions of zlib may compress to other bytes.
    if (gunzipSync(Buffer.from(committed, "base64")).equals(types)) return;
    console.error("the committed types are not those of this kernel");
    process.exit(1);
  }
  const text = moduleOf(types);
  writeFileSync(output, text);
  console.log(`${types.length} bytes of types, ${text.length} as a module`);
}

main();
