import type { ObjectGrammar } from "../grammar/object-grammar.js";

export const structOpsGrammar: ObjectGrammar = {
  name: "struct_ops",
  summary: "Interfaces of the kernel that programs implement, such as TCP's congestion controls.",
  commands: [
    { name: "show", alias: "list", form: "[STRUCT_OPS_MAP]", does: "show implementations, all or some" },
    { name: "dump", form: "[STRUCT_OPS_MAP]", does: "show what they are made of" },
    { name: "register", form: "OBJ [LINK_DIR]", does: "load an object and put its implementations in force" },
    { name: "unregister", form: "STRUCT_OPS_MAP", does: "take an implementation out of force" },
  ],
  terms: {
    STRUCT_OPS_MAP: "{ id MAP_ID | name MAP_NAME }",
    LINK_DIR: "folder in a bpffs for the links of implementations in .struct_ops.link",
  },
  examples: [
    "tsbpf struct_ops register cubic.o",
    "tsbpf struct_ops dump name cubic",
    "tsbpf struct_ops unregister name cubic",
  ],
};
