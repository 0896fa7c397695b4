import { LINK, type ObjectGrammar } from "../grammar/object-grammar.js";

export const linkGrammar: ObjectGrammar = {
  name: "link",
  summary: "Links: programs attached to something, as objects of their own.",
  commands: [
    { name: "show", alias: "list", form: "[LINK]", does: "show links, all or one" },
    { name: "pin", form: "LINK FILE", does: "keep a link, and so the attachment, under a name in a bpffs" },
    { name: "detach", form: "LINK", does: "detach the program although others hold the link" },
  ],
  terms: { LINK },
  examples: ["tsbpf link show", "tsbpf link pin id 12 /sys/fs/bpf/filter_link", "tsbpf link detach id 12"],
};
