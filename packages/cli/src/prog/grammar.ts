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
      form: "{ xlated | jited } PROG [{ file FILE | [opcodes] [linum] [visual [dot | text]] }]",
      does: "list instructions: as the verifier left them, or native code",
    },
    { name: "pin", form: "PROG FILE", does: "keep a program under a name in a bpffs" },
    {
      name: "load",
      form: "OBJ PATH [type TYPE] [map { idx IDX | name NAME } MAP]... [pinmaps DIR] [kernel_btf FILE] [autoattach]",
      does: "load an object and pin its first program",
    },
    {
      name: "loadall",
      form: "OBJ DIR [type TYPE] [map { idx IDX | name NAME } MAP]... [pinmaps DIR] [kernel_btf FILE] [autoattach]",
      does: "load an object and pin all its programs; all or nothing",
    },
    {
      name: "attach",
      form: "PROG ATTACH_TYPE [MAP]",
      does: "attach to a sockmap, or a flow dissector to this network namespace",
    },
    { name: "detach", form: "PROG ATTACH_TYPE [MAP]", does: "the reverse of attach" },
    {
      name: "run",
      form: "PROG data_in FILE [data_out FILE [data_size_out L]] [ctx_in FILE [ctx_out FILE [ctx_size_out M]]] [repeat N]",
      does: "run a program on a packet or context from a file (- is standard input)",
    },
    {
      name: "profile",
      form: "PROG [duration SECONDS] METRIC...",
      does: "count a program's runs and their time, until Ctrl-C or for so long",
    },
    { name: "tracelog", form: "", does: "follow what programs print with bpf_printk()" },
  ],
  terms: {
    PROG,
    MAP,
    TYPE: "a program type or section name: xdp, tc, kprobe, cgroup/skb ...",
    METRIC: "{ run_cnt | run_time }",
    ATTACH_TYPE: `{ ${attachTypeWords.join(" | ")} }`,
  },
  examples: [
    "tsbpf prog show",
    "tsbpf prog load filter.o /sys/fs/bpf/filter",
    "tsbpf prog dump xlated name filter linum",
    "tsbpf -j prog show pinned /sys/fs/bpf/filter",
  ],
};
