import { mapTypes } from "@tsbpf/core/abi";
import { MAP, type ObjectGrammar, PROG } from "../grammar/object-grammar.js";

/** Map types by name, in the order of their numbers. */
export const mapTypeNames: readonly string[] = Object.keys(mapTypes);

export const mapGrammar: ObjectGrammar = {
  name: "map",
  summary: "Maps: look at them, make them, read and write what is in them.",
  commands: [
    { name: "show", alias: "list", form: "[MAP]", does: "show maps, all or some" },
    {
      name: "create",
      form: "FILE type TYPE key KEY_SIZE value VALUE_SIZE entries MAX_ENTRIES name NAME [flags FLAGS] [inner_map MAP]",
      does: "make a map and pin it",
    },
    { name: "dump", form: "MAP", does: "print all entries" },
    { name: "update", form: "MAP [key DATA] [value VALUE] [any | exist | noexist]", does: "write an entry" },
    { name: "lookup", form: "MAP [key DATA]", does: "print one entry" },
    { name: "getnext", form: "MAP [key DATA]", does: "print the key after a key, or the first" },
    { name: "delete", form: "MAP key DATA", does: "take an entry out" },
    { name: "pin", form: "MAP FILE", does: "keep a map under a name in a bpffs" },
    { name: "event_pipe", form: "MAP", does: "follow the events of a perf event array or ring buffer" },
    { name: "peek", form: "MAP", does: "print what pop or dequeue would take" },
    { name: "push", form: "MAP value VALUE", does: "put a value onto a stack" },
    { name: "pop", form: "MAP", does: "take a value from a stack" },
    { name: "enqueue", form: "MAP value VALUE", does: "put a value into a queue" },
    { name: "dequeue", form: "MAP", does: "take a value from a queue" },
    { name: "freeze", form: "MAP", does: "let user space write the map no more, for good" },
  ],
  terms: {
    MAP,
    PROG,
    DATA: "{ [hex] BYTES | json VALUE }   (json: by the map's BTF)",
    VALUE: "{ DATA | MAP | PROG }",
    TYPE: `{ ${mapTypeNames.slice(1).join(" | ")} }`,
  },
  examples: [
    "tsbpf map dump name flows",
    "tsbpf map update pinned /sys/fs/bpf/ports key 0x50 0 value 1 0 0 0",
    `tsbpf map lookup name flows key json '{"host": 1, "port": 80}'`,
    "tsbpf map create /sys/fs/bpf/seen type hash key 4 value 8 entries 1024 name seen",
  ],
};
