import type { ObjectGrammar } from "../grammar/object-grammar.js";

export const perfGrammar: ObjectGrammar = {
  name: "perf",
  summary: "Programs on tracepoints, kprobes and uprobes that processes hold open.",
  commands: [{ name: "show", alias: "list", form: "", does: "show them, process by process" }],
  terms: {},
  examples: ["tsbpf perf show"],
};
