import { MAP, type ObjectGrammar, PROG } from "../grammar/object-grammar.js";

export const btfGrammar: ObjectGrammar = {
  name: "btf",
  summary: "BTF: types of the kernel, its modules, programs, maps, and of files.",
  commands: [
    { name: "show", alias: "list", form: "[id BTF_ID]", does: "show BTF objects that the kernel has" },
    {
      name: "dump",
      form: "SOURCE [format FORMAT] [root_id ID]...",
      does: "print types; with file neither a kernel nor rights are needed",
    },
  ],
  terms: {
    SOURCE: "{ id BTF_ID | prog PROG | map MAP [{ key | value | kv | all }] | file FILE }",
    FORMAT: "{ raw | c [unsorted] | ts }",
    MAP,
    PROG,
  },
  examples: [
    "tsbpf btf dump file filter.o format c",
    "tsbpf btf dump map name flows format ts",
    "tsbpf btf dump file /sys/kernel/btf/vmlinux format c root_id 12",
  ],
};
