import type { ObjectGrammar } from "../grammar/object-grammar.js";

export const featureGroups = ["prog_types", "map_types", "attach_types", "link_types", "helpers"] as const;

export const featureGrammar: ObjectGrammar = {
  name: "feature",
  summary: "What a host can do: types of programs and maps, helpers, instructions, the kernel's configuration.",
  commands: [
    {
      name: "probe",
      form: "[COMPONENT] [full] [unprivileged] [macros [prefix PREFIX]]",
      does: "try what is there; nothing stays",
    },
    { name: "list_builtins", form: "GROUP", does: "list the names that tsbpf knows" },
  ],
  terms: {
    COMPONENT: "{ kernel | dev NAME | machine }; kernel unless told",
    full: "ask about helpers that make the kernel log a warning, too",
    unprivileged: "as a user without capabilities would find it",
    macros: "as C macros",
    GROUP: `{ ${featureGroups.join(" | ")} }`,
  },
  examples: ["tsbpf feature probe", "tsbpf -j feature probe machine", "tsbpf feature list_builtins helpers"],
};
