import { type ObjectGrammar, PROG } from "../grammar/object-grammar.js";

export const netAttachTypes = ["xdp", "xdpgeneric", "xdpdrv", "xdpoffload", "tcx_ingress", "tcx_egress"] as const;

export const netGrammar: ObjectGrammar = {
  name: "net",
  summary: "Programs in the network stack of this network namespace: XDP, tc, tcx, flow dissectors, netfilter.",
  commands: [
    { name: "show", alias: "list", form: "[dev NAME]", does: "show what is attached, everywhere or to one device" },
    {
      name: "attach",
      form: "ATTACH_TYPE PROG dev NAME [overwrite | prepend]",
      does: "attach a program to a device, to stay",
    },
    { name: "detach", form: "ATTACH_TYPE dev NAME", does: "take the program off a device" },
    {
      name: "replay",
      form: "CAPTURE dev NAME",
      does: "let a capture device of a Machine receive a pcap file's packets",
    },
  ],
  terms: { PROG, ATTACH_TYPE: `{ ${netAttachTypes.join(" | ")} }` },
  examples: ["tsbpf net", "tsbpf net attach xdp name filter dev eth0", "tsbpf net detach xdp dev eth0"],
};
