import { execFileSync } from "node:child_process";
import type { LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux } from "../host/index.js";
import { describeKernel } from "../testing/kernel.js";
import { eventually, markedFrame, TestSocket, VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";

const XDP_DROP = 1;
const XDP_PASS = 2;

interface NetworkShown {
  readonly xdp: readonly { readonly devname: string; readonly kind: string; readonly id: number }[];
  readonly tc: readonly {
    readonly devname: string;
    readonly kind: string;
    readonly name: string;
    readonly prog_id?: number;
  }[];
}

function bpftoolNet(): NetworkShown {
  return (JSON.parse(execFileSync("bpftool", ["-j", "net"], { encoding: "utf8" })) as [NetworkShown])[0];
}

describeKernel("programs on devices", () => {
  let veth: VethPair;
  let host: Linux;
  let object: LoadedObject;
  let sender: TestSocket;
  let receiver: TestSocket;

  beforeAll(async () => {
    veth = new VethPair();
    host = await Linux.open();
    const programs = ["xdp_verdict", "xdp_echo", "tc_drop"];
    object = await host.load(kernelObject("network"), { programs });
    sender = veth.left.run(() => TestSocket.packet("left"));
    receiver = veth.right.run(() => TestSocket.packet("right"));
  });
  afterAll(() => {
    sender?.close();
    receiver?.close();
    host?.close();
    veth?.close();
  });

  const runs = () => Number(object.variables.runs!.get());
  /** Frames of ours that come out of `from` after one is sent. */
  async function passes(): Promise<boolean> {
    const before = runs();
    while (receiver.receive() !== undefined);
    if (!sender.trySend(markedFrame())) return false;
    for (let attempt = 0; attempt < 40; attempt++) {
      for (let frame = receiver.receive(); frame !== undefined; frame = receiver.receive()) {
        if (frame.length === 60 && frame[23] === 17) return true;
      }
      if (attempt > 4 && runs() > before) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return false;
  }

  for (const [what, options] of [
    ["a link", {}],
    ["a link in generic mode", { mode: "generic" }],
    ["netlink, native", { via: "netlink", mode: "native" }],
    ["netlink, generic", { via: "netlink", mode: "generic" }],
  ] as const) {
    it(`XDP by ${what} decides about frames until it is closed`, async () => {
      const program = object.program("xdp_verdict");
      const link = veth.right.run(() => host.attachXdp(program, "right", options));
      const shown = veth.right.run(bpftoolNet).xdp.find(({ devname }) => devname === "right");
      expect(shown?.id).toBe(program.id);
      object.variables.verdict!.set(XDP_DROP);
      expect(await passes()).toBe(false);
      object.variables.verdict!.set(XDP_PASS);
      expect(await passes()).toBe(true);
      expect(host.outlivingLinks.length).toBe("via" in options ? 1 : 0);
      link.close();
      link.close();
      const before = runs();
      expect(await passes()).toBe(true);
      expect(runs()).toBe(before);
      expect(veth.right.run(bpftoolNet).xdp).toEqual([]);
      expect(host.outlivingLinks.length).toBe(0);
    });
  }

  it("XDP programs are replaced in place", async () => {
    // Generic: sending back natively would need a program on the peer too.
    using link = veth.right.run(() => host.attachXdp(object.program("xdp_verdict"), "right", { mode: "generic" }));
    link.update(object.program("xdp_echo"));
    expect(link.program.name).toBe("xdp_echo");
    sender.send(markedFrame());
    await eventually(() => {
      for (let frame = sender.receive(); frame !== undefined; frame = sender.receive())
        if (frame[0] === 0x5a) return true;
      return false;
    }, "the frame comes back changed");
    expect(veth.right.run(bpftoolNet).xdp[0]?.id).toBe(object.program("xdp_echo").id);
  });

  it("XDP programs that are bound to a device read its metadata, and attach to no other", async () => {
    const spec = kernelObject("devices");
    using bound = await veth.right.run(() => host.load(spec, { programs: ["read_timestamp"], boundTo: "right" }));
    const program = bound.program("read_timestamp");
    expect(() => veth.left.run(() => host.attachXdp(program, "left"))).toThrow("EINVAL");
    using _link = veth.right.run(() => host.attachXdp(program, "right"));
    sender.send(markedFrame());
    await eventually(() => Number(bound.variables.runs!.get()) > 0, "the program runs");
    // 0, or ENODATA for a frame without a time: the device has answered.
    expect([0, -61]).toContain(bound.variables.timestamp_error!.get());
    await expect(host.load(kernelObject("devices"), { programs: ["read_timestamp"] })).rejects.toThrow();
  });

  it("a second XDP program is refused", () => {
    using _link = veth.right.run(() => host.attachXdp(object.program("xdp_verdict"), "right"));
    expect(() => veth.right.run(() => host.attachXdp(object.program("xdp_echo"), "right"))).toThrow("EBUSY");
  });

  it("a device that does not exist is named", () => {
    expect(() => host.attachXdp(object.program("xdp_verdict"), "tsbpf-none")).toThrow(
      "there is no network device 'tsbpf-none'",
    );
  });

  for (const [what, attach] of [
    ["tcx", () => host.attachTcx(object.program("tc_drop"), "right", "ingress")],
    ["clsact", () => host.attachClsact(object.program("tc_drop"), "right", "ingress")],
  ] as const) {
    it(`tc by ${what} drops frames until it is closed`, async () => {
      // The receiver sits before tc ingress: what is dropped there is seen by counting.
      const link = veth.right.run(attach);
      const before = runs();
      sender.send(markedFrame());
      await eventually(() => runs() > before, "the program runs");
      link.close();
      const after = runs();
      await passes();
      expect(runs()).toBe(after);
    });
  }

  it("tc on egress keeps frames from leaving", async () => {
    const link = veth.left.run(() => host.attachTcx(object.program("tc_drop"), "left", "egress"));
    expect(await passes()).toBe(false);
    link.close();
    expect(await passes()).toBe(true);
  });

  it("clsact filters are replaced in place, and bpftool sees them", async () => {
    using link = veth.left.run(() => host.attachClsact(object.program("tc_drop"), "left", "egress", { priority: 7 }));
    const shown = veth.left.run(bpftoolNet).tc;
    expect(shown).toEqual([expect.objectContaining({ devname: "left", kind: "clsact/egress", name: "tc_drop" })]);
    link.update(object.program("tc_drop"));
    expect(await passes()).toBe(false);
  });
});
