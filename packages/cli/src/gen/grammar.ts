import type { ObjectGrammar } from "../grammar/object-grammar.js";

export const genGrammar: ObjectGrammar = {
  name: "gen",
  summary: "Code from an object. Neither a kernel nor rights are needed.",
  commands: [
    { name: "ts", form: "FILE [name NAME]", does: "a typed TypeScript module with the object in it" },
    { name: "skeleton", form: "FILE [name NAME]", does: "the same, under bpftool's name for it" },
    { name: "subskeleton", form: "FILE [name NAME]", does: "the types alone, for an object that is loaded elsewhere" },
    { name: "object", form: "OUTPUT_FILE INPUT_FILE [INPUT_FILE...]", does: "link several objects into one" },
    {
      name: "min_core_btf",
      form: "INPUT OUTPUT OBJECT [OBJECT...]",
      does: "take from a kernel's BTF what objects' CO-RE relocations look at",
    },
  ],
  terms: { FILE: "an object (.o) or C source (.c)", INPUT: "a file of BTF, such as /sys/kernel/btf/vmlinux" },
  examples: [
    "tsbpf gen ts filter.o > filter.ts",
    "tsbpf gen object all.o parser.o filter.o",
    "tsbpf gen min_core_btf 5.4.0-generic.btf filter.btf filter.o",
  ],
};
