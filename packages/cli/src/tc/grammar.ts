import { type ObjectGrammar, PROG } from "../grammar/object-grammar.js";

export const tcGrammar: ObjectGrammar = {
  name: "tc",
  summary: "bpf filters of traffic control, on the clsact qdisc of a device in this network namespace.",
  commands: [
    {
      name: "filter",
      form: "{ add | replace } dev DEV DIRECTION [pref N] [handle N] bpf da PROGRAM",
      does: "filter { add | replace | del | show }: add a filter (and the qdisc), take away, list",
    },
    {
      name: "qdisc",
      form: "{ add | del } dev DEV clsact",
      does: "make the qdisc, or take it away with all its filters",
    },
  ],
  terms: {
    "filter del": "tsbpf tc filter del dev DEV DIRECTION [pref N [handle N]]",
    "filter show": "tsbpf tc filter show dev DEV [DIRECTION]",
    DIRECTION: "{ ingress | egress }",
    PROGRAM: "{ [obj] FILE [sec SECTION | program NAME] | object-pinned PATH | PROG }",
    PROG,
  },
  examples: [
    "tsbpf tc filter add dev eth0 ingress pref 1 handle 1 bpf da obj police.o sec tc",
    "tsbpf tc filter show dev eth0 ingress",
    "tsbpf tc filter del dev eth0 ingress pref 1",
  ],
};
