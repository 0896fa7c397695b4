import { type ObjectGrammar, PROG } from "../grammar/object-grammar.js";

export const xdpModes = ["native", "skb", "hw"] as const;

export const xdpGrammar: ObjectGrammar = {
  name: "xdp",
  summary: "XDP programs on the devices of this network namespace.",
  commands: [
    { name: "attach", form: "DEV PROGRAM [mode MODE] [replace]", does: "put a program on a device, to stay" },
    { name: "detach", form: "DEV [mode MODE]", does: "take the program off a device" },
    { name: "status", alias: "show", form: "[DEV]", does: "show the programs, everywhere or on one device" },
  ],
  terms: {
    PROGRAM: "{ [obj] FILE [sec SECTION | program NAME] | object-pinned PATH | PROG }",
    PROG,
    MODE: "{ native | skb | hw }; native where the device can, unless told",
  },
  examples: [
    "tsbpf xdp attach eth0 filter.o",
    "tsbpf xdp attach eth0 obj filter.o sec xdp mode skb replace",
    "tsbpf xdp status eth0",
    "tsbpf xdp detach eth0",
  ],
};
