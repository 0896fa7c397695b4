import { MAP, type ObjectGrammar } from "../grammar/object-grammar.js";

export const iterGrammar: ObjectGrammar = {
  name: "iter",
  summary: "Programs that walk over what the kernel has, and print it when a file is read.",
  commands: [
    { name: "pin", form: "OBJ PATH [map MAP]", does: "load an object and pin its iterator; `cat PATH` runs it" },
  ],
  terms: { MAP, OBJ: 'an object whose first program in SEC("iter/...") is taken' },
  examples: ["tsbpf iter pin tasks.o /sys/fs/bpf/tasks", "tsbpf iter pin elements.o /sys/fs/bpf/flows map name flows"],
};
