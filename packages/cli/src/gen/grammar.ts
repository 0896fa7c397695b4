import type { ObjectGrammar } from "../grammar/object-grammar.js";

export const genGrammar: ObjectGrammar = {
  name: "gen",
  summary: "Code from an object. Neither a kernel nor rights are needed.",
  commands: [
    { name: "ts", form: "FILE [name NAME]", does: "a typed TypeScript module with the object in it" },
    { name: "skeleton", form: "FILE [name NAME]", does: "the same, under bpftool's name for it" },
    { name: "subskeleton", form: "FILE [name NAME]", does: "the types alone, for an object that is loaded elsewhere" },
  ],
  terms: { FILE: "an object (.o) or C source (.c)" },
  examples: ["tsbpf gen ts filter.o > filter.ts"],
};
