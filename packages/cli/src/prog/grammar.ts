import { MAP, type ObjectGrammar, PROG } from "../grammar/object-grammar.js";

/** Words that `attach` and `detach` take for a hook. */
export const attachTypeWords = [
  "sk_msg_verdict",
  "sk_skb_verdict",
  "sk_skb_stream_verdict",
  "sk_skb_stream_parser",
  "flow_dissector",
] as const;

export const progGrammar: ObjectGrammar = {
  name: "prog",
  summary: "Programs that are loaded: look at them, load more, attach, run.",
  commands: [
    { name: "show", alias: "list", form: "[PROG]", does: "show programs, all or some" },
    {
      name: "dump",
      form: "{ xlated | jited } PROG [{ file FILE | [opcodes] [linum] [visual] }]",
      does: "list instructions: as the verifier left them, or native code",
    },
  ],
  terms: {
    PROG,
    MAP,
    TYPE: "a program type or section name: xdp, tc, kprobe, cgroup/skb ...",
    ATTACH_TYPE: `{ ${attachTypeWords.join(" | ")} }`,
  },
  examples: [
    "tsbpf prog show",
    "tsbpf prog dump xlated name filter linum",
    "tsbpf -j prog show pinned /sys/fs/bpf/filter",
  ],
};
