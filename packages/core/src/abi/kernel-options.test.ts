import { describe, expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { verify } from "../verifier/index.js";
import { builtWithout, parseKernelConfig } from "./kernel-options.js";

const everything = `
CONFIG_BPF_SYSCALL=y
CONFIG_NET=y
CONFIG_INET=y
CONFIG_CGROUPS=y
CONFIG_CGROUP_BPF=y
CONFIG_BPF_EVENTS=y
CONFIG_PERF_EVENTS=y
CONFIG_BPF_LIRC_MODE2=y
CONFIG_BPF_JIT=y
CONFIG_BPF_LSM=y
CONFIG_NETFILTER_BPF_LINK=y
CONFIG_XDP_SOCKETS=y
CONFIG_XFRM=y
CONFIG_SOCK_CGROUP_DATA=y
CONFIG_CGROUP_NET_CLASSID=y
CONFIG_SYN_COOKIES=y
CONFIG_IPV6_SEG6_BPF=y
CONFIG_NF_CONNTRACK=m
CONFIG_CRYPTO=m
# CONFIG_TCP_CONG_BBR is not set
CONFIG_TCP_CONG_CUBIC=y
CONFIG_KEYS=y
`;
const without = (option: string) => parseKernelConfig(everything.replace(`CONFIG_${option}=y\n`, ""));

describe("a kernel's configuration", () => {
  it("is read line by line", () => {
    expect([...parseKernelConfig('# CONFIG_A is not set\nCONFIG_B=m\r\n\nCONFIG_C="x=y"\nD=1')]).toEqual([
      ["CONFIG_B", "m"],
      ["CONFIG_C", '"x=y"'],
    ]);
  });

  it("takes program types, map types and helpers away", () => {
    expect(builtWithout(without("NET")).programType("xdp")).toBe("CONFIG_NET");
    expect(builtWithout(without("XDP_SOCKETS")).mapType("xskmap")).toBe("CONFIG_XDP_SOCKETS");
    expect(builtWithout(without("XDP_SOCKETS")).mapType("devmap")).toBeUndefined();
    expect(builtWithout(without("XFRM")).helper("skb_get_xfrm_state")).toBe("CONFIG_XFRM");
    const classless = builtWithout(without("CGROUP_NET_CLASSID"));
    expect(classless.helper("get_cgroup_classid", "current")).toBe("CONFIG_CGROUP_NET_CLASSID");
    expect(classless.helper("get_cgroup_classid")).toBeUndefined();
  });

  it("has kernel functions of modules outside vmlinux", () => {
    const built = builtWithout(parseKernelConfig(everything));
    expect(built.kfunc("bpf_ct_release")).toBe("CONFIG_NF_CONNTRACK");
    expect(built.kfunc("bpf_crypto_encrypt")).toBeUndefined();
    expect(built.kfunc("bbr_init")).toBe("CONFIG_TCP_CONG_BBR");
    expect(built.kfunc("cubictcp_init")).toBeUndefined();
  });

  const program = (type: "lirc_mode2" | "sched_cls", source: string) =>
    ({ insns: assemble(source), type, license: "GPL", maps: new Map() }) as const;

  it("is an input of the verifier, which takes a kernel with everything without one", () => {
    const lirc = program("lirc_mode2", "r0 = 0\nexit");
    expect(verify(lirc)).toMatchObject({ verdict: "accepted" });
    expect(verify(lirc, { kernelConfig: parseKernelConfig(everything) })).toMatchObject({ verdict: "accepted" });
    expect(verify(lirc, { kernelConfig: without("BPF_LIRC_MODE2") })).toMatchObject({
      verdict: "rejected",
      code: "kernel_config",
      message: "program type lirc_mode2: the kernel is built without CONFIG_BPF_LIRC_MODE2",
    });
    const sockmap = { name: "peers", type: 15, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 };
    const using = { ...program("sched_cls", "r0 = 0\nexit"), maps: new Map([[1, sockmap]]) };
    expect(verify(using, { kernelConfig: without("INET") })).toMatchObject({
      message: "map type sockmap of map 'peers': the kernel is built without CONFIG_INET",
    });
    const classid = program("sched_cls", "call 151\nr0 = 0\nexit");
    expect(verify(classid, { kernelConfig: without("CGROUP_NET_CLASSID") })).toMatchObject({
      message: "program of this type cannot use helper bpf_skb_cgroup_classid#151",
    });
  });
});
