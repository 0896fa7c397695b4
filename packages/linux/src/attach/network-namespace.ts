import { attachTypeId } from "@tsbpf/core/abi";
import type { Program } from "@tsbpf/core/host";
import { NetworkNamespace } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { createLink, type KernelLink } from "./link.js";

const NFPROTO = { ipv4: 2, ipv6: 10 } as const;
const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const BPF_F_NETFILTER_IP_DEFRAG = 1;

/**
 * Attaches an sk_lookup (since 5.9) or flow dissector program (since 5.8) to a network namespace.
 *
 * @param namespace The calling thread's own unless given.
 */
export function attachNetworkNamespace(program: Program, namespace?: NetworkNamespace): KernelLink {
  requireType(program, "a network namespace", "sk_lookup", "flow_dissector");
  const type = program.type === "sk_lookup" ? "sk_lookup" : "flow_dissector";
  const create = (fd: number) =>
    createLink("netns", program, { target_fd: fd, attach_type: attachTypeId(type) }, "to the network namespace");
  if (namespace !== undefined) return create(namespace.fd);
  using own = NetworkNamespace.current();
  return create(own.fd);
}

/** Where a netfilter program runs. */
export interface NetfilterOptions {
  readonly family: keyof typeof NFPROTO;
  readonly hook: keyof typeof hooks;
  /** Order among the hook's functions, lowest first; not -2^31 or 2^31 - 1. */
  readonly priority: number;
  /** See whole packets: reassemble fragments before. Since 6.6. */
  readonly defragment?: boolean | undefined;
}

/** Attaches a netfilter program in the calling thread's network namespace. Since 6.4. */
export function attachNetfilter(program: Program, options: NetfilterOptions): KernelLink {
  requireType(program, "a netfilter hook", "netfilter");
  return createLink(
    "netfilter",
    program,
    {
      attach_type: attachTypeId("netfilter"),
      "netfilter.pf": NFPROTO[options.family],
      "netfilter.hooknum": hooks[options.hook],
      "netfilter.priority": options.priority,
      "netfilter.flags": options.defragment ? BPF_F_NETFILTER_IP_DEFRAG : 0,
    },
    `at ${options.family} ${options.hook}`,
  );
}
