import { readFileSync } from "node:fs";
import type { LoadedObject, Program } from "@tsbpf/core/host";
import koffi from "koffi";
import { expect, it } from "vitest";
import { kernelProblem } from "../availability.js";
import { Linux } from "../host/index.js";
import { describeKernel } from "../testing/kernel.js";
import { ip, markedFrame, TestSocket, VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";
import type { KernelLink } from "./link.js";

/** A hook that not every kernel, by its configuration, lets programs attach to. */
interface GuardedHook {
  readonly name: string;
  readonly programs: readonly string[];
  attach(host: Linux, object: LoadedObject): KernelLink;
  /** What has to be seen while it is attached. */
  effect(object: LoadedObject, link: KernelLink): void | Promise<void>;
}

const getppid = koffi.load(null).func("int getppid()");
const symbol = process.arch === "arm64" ? "__arm64_sys_getppid" : "__x64_sys_getppid";
const frame = new Uint8Array(60);
const number = (object: LoadedObject, name: string) => Number(object.variables[name]!.get());
const counts = (object: LoadedObject) => [number(object, "runs"), number(object, "returns")];
/** Changes of both counters while `action` happens three times. */
function during(object: LoadedObject, action: () => void): number[] {
  const [runs, returns] = counts(object) as [number, number];
  for (let i = 0; i < 3; i++) action();
  return [number(object, "runs") - runs, number(object, "returns") - returns];
}

const attachNamed = (program: string) => (host: Linux, object: LoadedObject) =>
  host.attachRawTracepoint(object.program(program));

const hooks: readonly GuardedHook[] = [
  {
    name: "a kprobe runs at a kernel function, with its cookie",
    programs: ["on_call"],
    attach: (host, object) => host.attachKprobe(object.program("on_call"), { symbol, cookie: 9n }),
    effect: (object) => {
      expect(during(object, getppid)).toEqual([3, 0]);
      expect(object.variables.last_cookie!.get()).toBe(9n);
    },
  },
  {
    name: "a kretprobe runs as it returns",
    programs: ["on_return"],
    attach: (host, object) => host.attachKprobe(object.program("on_return"), { symbol, return: true }),
    effect: (object) => expect(during(object, getppid)).toEqual([0, 3]),
  },
  {
    name: "kprobe.multi runs at several kernel functions",
    programs: ["on_calls"],
    attach: (host, object) =>
      host.attachKprobeMulti(object.program("on_calls"), { symbols: [symbol, "bpf_prog_put"], cookies: [5n, 6n] }),
    effect: (object) => {
      expect(during(object, getppid)[0]).toBeGreaterThanOrEqual(3);
      expect([5n, 6n]).toContain(object.variables.last_cookie!.get());
    },
  },
  {
    name: "fentry runs as a kernel function is entered",
    programs: ["on_entry"],
    attach: attachNamed("on_entry"),
    effect: (object) => expect(during(object, () => object.program("on_entry").testRun())).toEqual([3, 0]),
  },
  {
    name: "fexit runs as it is left",
    programs: ["on_exit"],
    attach: attachNamed("on_exit"),
    effect: (object) => expect(during(object, () => object.program("on_exit").testRun())).toEqual([0, 3]),
  },
  {
    name: "fmod_ret runs where a result can be changed",
    programs: ["on_result"],
    attach: attachNamed("on_result"),
    effect: (object) => expect(during(object, () => object.program("on_result").testRun())).toEqual([0, 3]),
  },
  {
    name: "an LSM program sees files opened",
    programs: ["on_open"],
    attach: attachNamed("on_open"),
    effect: (object) => {
      const opened = during(object, () => readFileSync("/proc/self/comm"));
      expect(opened[0]).toBeGreaterThanOrEqual(3);
    },
  },
];

/** What the kernel (or this host, which looked) says to the hook, or undefined where it can be attached. */
async function refusal(programs: readonly string[], attach: GuardedHook["attach"]): Promise<string | undefined> {
  if (kernelProblem() !== undefined) return undefined;
  using host = await Linux.open();
  try {
    using object = await load(host, programs);
    attach(host, object).close();
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // Anything else is a fault of ours, and the test shows it.
    const permitted = /EPERM|ENOENT|EOPNOTSUPP|EINVAL/.test(message) || code === "NOT_SUPPORTED";
    return permitted ? ` (not on this kernel: ${message.split("\n", 1)[0]})` : undefined;
  }
}

function load(host: Linux, programs: readonly string[]): Promise<LoadedObject> {
  const spec = kernelObject("hooks");
  spec.variables.get("target_pid")!.set(process.pid);
  return host.load(spec, { programs });
}

/** The program that takes a function's place, and the one whose function that is. */
async function loadReplacement(host: Linux): Promise<[Program, Program]> {
  const target = (await load(host, ["calls_replaceable"])).program("calls_replaceable");
  const object = await host.load(kernelObject("hooks"), {
    programs: ["replacement"],
    targets: { replacement: target },
  });
  return [target, object.program("replacement")];
}

async function attachOffloaded(host: Linux, veth: VethPair): Promise<KernelLink> {
  const pass = kernelObject("devices").programs.get("pass")!;
  // Loading finds the device before it yields.
  const program = await veth.right.run(() => host.loadProgram(pass, { offloadTo: "right" }));
  return veth.right.run(() => host.attachXdp(program, "right", { mode: "offload" }));
}

const reasons = new Map<string, string | undefined>();
for (const { name, programs, attach } of hooks) reasons.set(name, await refusal(programs, attach));

async function otherRefusal(attempt: (host: Linux) => void | Promise<void>): Promise<string | undefined> {
  if (kernelProblem() !== undefined) return undefined;
  using host = await Linux.open();
  try {
    await attempt(host);
    return undefined;
  } catch (error) {
    return ` (not on this kernel: ${(error as Error).message.split("\n", 1)[0]})`;
  }
}
const noReplacement = await otherRefusal(async (host) => void host.attachReplacement((await loadReplacement(host))[1]));
const noActions = await otherRefusal(async (host) => {
  using veth = new VethPair();
  const object = await load(host, ["act"]);
  veth.right.run(() => host.attachAction(object.program("act"), "right", "ingress").close());
});
const noOffload = await otherRefusal(async (host) => {
  using veth = new VethPair();
  (await attachOffloaded(host, veth)).close();
});

describeKernel("programs at the kernel's own functions", () => {
  for (const { name, programs, attach, effect } of hooks) {
    const reason = reasons.get(name);
    it.skipIf(reason !== undefined)(`${name}${reason ?? ""}`, async () => {
      using host = await Linux.open();
      using object = await load(host, programs);
      const link = attach(host, object);
      await effect(object, link);
      link.close();
      const before = counts(object);
      getppid();
      readFileSync("/proc/self/comm");
      expect(counts(object)).toEqual(before);
    });
  }

  it.skipIf(noReplacement !== undefined)(
    `freplace takes the place of another program's function${noReplacement ?? ""}`,
    async () => {
      using host = await Linux.open();
      const [target, replacement] = await loadReplacement(host);
      expect(target.testRun({ data: frame }).retval).toBe(1);
      const link = host.attachReplacement(replacement);
      expect(target.testRun({ data: frame }).retval).toBe(42);
      link.close();
      expect(target.testRun({ data: frame }).retval).toBe(1);
    },
  );

  it.skipIf(noActions !== undefined)(`an action of tc drops packets${noActions ?? ""}`, async () => {
    using host = await Linux.open();
    using veth = new VethPair();
    using object = await load(host, ["act"]);
    const sender = veth.left.run(() => TestSocket.packet("left"));
    const link = veth.left.run(() => host.attachAction(object.program("act"), "left", "egress"));
    expect(sender.trySend(markedFrame())).toBe(false);
    expect(number(object, "runs")).toBe(1);
    link.close();
    expect(sender.trySend(markedFrame())).toBe(true);
    sender.close();
  });

  it.skipIf(noOffload !== undefined)(`XDP runs in the device itself${noOffload ?? ""}`, async () => {
    using host = await Linux.open();
    using veth = new VethPair();
    const link = await attachOffloaded(host, veth);
    expect(veth.right.run(() => ip("link show right"))).toContain("xdpoffload");
    link.close();
  });
});
