import { describe, expect, it } from "vitest";
import type { AttachType, ProgramType } from "../../abi/index.js";
import { SyscallError } from "../../base/index.js";
import type { Program, TestRunOptions } from "../index.js";
import type { HostUnderTest } from "./host-under-test.js";
import { assembleProgram, testFrame } from "./program-case.js";

const BPF_F_SLEEPABLE = 16;
const BPF_F_TEST_RUN_ON_CPU = 1;

/** What a program is run with, and the name that a case has for it. */
const inputs: Readonly<Record<string, TestRunOptions>> = {
  nothing: {},
  frame: { data: testFrame },
  short: { data: testFrame.subarray(0, 13) },
  "context of 8": { context: new Uint8Array(8) },
  "context of 104": { context: new Uint8Array(104) },
  "context of 70000": { context: new Uint8Array(70_000) },
  "frame, context of 64": { data: testFrame, context: new Uint8Array(64) },
  "frame, context with a 1": { data: testFrame, context: Uint8Array.of(0, 0, 0, 0, 1) },
  twice: { repeat: 2 },
  "on CPU 0": { flags: BPF_F_TEST_RUN_ON_CPU },
  "on CPU 99": { flags: BPF_F_TEST_RUN_ON_CPU, cpu: 99 },
  "CPU 1": { cpu: 1 },
  "flag 2": { flags: 2 },
};

interface TypeCase {
  readonly type: ProgramType;
  readonly attachType?: AttachType;
  readonly attachTo?: string;
  readonly returns?: number;
  readonly flags?: number;
  /** `retval/packet/context`, the latter in bytes, or the errno; where absent {@link unsupported}. */
  readonly answers?: Readonly<Record<string, string>>;
}

const allOf = (answer: string) => Object.fromEntries(Object.keys(inputs).map((name) => [name, answer]));
const unsupported = allOf("ENOTSUPP");
const packets = { ...allOf("EINVAL"), frame: "0/60/0", "frame, context of 64": "0/60/192" };

const cases: readonly TypeCase[] = [
  ...(["socket_filter", "sched_cls", "sched_act", "lwt_in", "lwt_out", "lwt_xmit"] as const).map((type) => {
    return { type, answers: packets };
  }),
  { type: "cgroup_skb", attachType: "cgroup_inet_ingress", answers: packets },
  {
    type: "xdp",
    answers: {
      ...packets,
      "context of 70000": "E2BIG",
      "frame, context of 64": "0/60/24",
      "frame, context with a 1": "0/60/24",
    },
  },
  {
    type: "flow_dissector",
    attachType: "flow_dissector",
    answers: { ...packets, frame: "0/56/0", "frame, context of 64": "0/56/56" },
  },
  {
    type: "raw_tracepoint",
    answers: {
      ...allOf("0/0/0"),
      "context of 8": "0/0/8",
      frame: "EINVAL",
      short: "EINVAL",
      "context of 104": "EINVAL",
      "context of 70000": "EINVAL",
      "frame, context of 64": "EINVAL",
      "frame, context with a 1": "EINVAL",
      twice: "EINVAL",
      "on CPU 99": "ENXIO",
      "CPU 1": "EINVAL",
    },
  },
  {
    type: "syscall",
    flags: BPF_F_SLEEPABLE,
    answers: {
      ...allOf("EINVAL"),
      nothing: "0/0/0",
      "context of 8": "0/0/8",
      "context of 104": "0/0/104",
      "CPU 1": "0/0/0",
    },
  },
  {
    type: "sk_lookup",
    attachType: "sk_lookup",
    answers: {
      ...allOf("EINVAL"),
      "context of 8": "EAFNOSUPPORT",
      "context of 104": "EAFNOSUPPORT",
      "context of 70000": "E2BIG",
    },
  },
  { type: "netfilter", attachType: "netfilter", answers: { ...allOf("EINVAL"), frame: "0/0/0" } },
  ...(
    [
      ["kprobe"],
      ["tracepoint"],
      ["perf_event"],
      ["cgroup_sock", "cgroup_inet_sock_create"],
      ["sock_ops", "cgroup_sock_ops"],
      ["sk_skb", "sk_skb_stream_verdict"],
      ["cgroup_device", "cgroup_device"],
      ["sk_msg", "sk_msg_verdict"],
      ["cgroup_sock_addr", "cgroup_inet4_connect"],
      ["lwt_seg6local"],
      ["sk_reuseport", "sk_reuseport_select"],
      ["cgroup_sysctl", "cgroup_sysctl"],
      ["raw_tracepoint_writable"],
      ["cgroup_sockopt", "cgroup_setsockopt"],
    ] as const
  ).map(([type, attachType]): TypeCase => {
    return { type, ...(attachType && { attachType }), returns: type === "cgroup_sock_addr" ? 1 : 0 };
  }),
];

/** Every program type's answer to test runs of every kind. */
export function testRunTypesContract(host: HostUnderTest): void {
  describe("a test run of", () => {
    for (const { type, attachType, attachTo, returns = 0, flags = 0, answers = unsupported } of cases) {
      it(`a ${type} program`, async () => {
        const choices = { license: "GPL", flags, attachType, attachTo };
        using program = await host().loadProgram(assembleProgram(type, `r0 = ${returns}\nexit`, choices));
        const got = Object.fromEntries(Object.keys(inputs).map((name) => [name, answerTo(program, inputs[name]!)]));
        expect(got).toEqual(answers);
      });
    }

    it("a raw tracepoint program gives it its arguments, all that it reads", async () => {
      const source = "r0 = *(u64 *)(r1 + 0)\nr2 = *(u64 *)(r1 + 8)\nr0 += r2\nexit";
      using program = await host().loadProgram(assembleProgram("raw_tracepoint", source, { license: "GPL" }));
      const args = new BigUint64Array([40n, 2n, 7n]);
      expect(program.testRun({ context: new Uint8Array(args.buffer) }).retval).toBe(42);
      expect(answerTo(program, { context: new Uint8Array(8) })).toBe("EINVAL");
      expect(answerTo(program, { context: new Uint8Array(16) })).toBe("0/0/16");
    });

    it("a syscall program gives it a context of its own, which comes back", async () => {
      const source = "r2 = *(u32 *)(r1 + 4)\nr2 += 1\n*(u32 *)(r1 + 8) = r2\nr0 = r2\nexit";
      const choices = { license: "GPL", flags: BPF_F_SLEEPABLE };
      using program = await host().loadProgram(assembleProgram("syscall", source, choices));
      const given = new Uint8Array(16);
      given[4] = 9;
      const { retval, context } = program.testRun({ context: given });
      expect([retval, context[4], context[8], context.length, given[8]]).toEqual([10, 9, 10, 16, 0]);
      expect(answerTo(program, { context: new Uint8Array(11) })).toBe("EINVAL");
    });

    it("a search for a socket: programs see it, and say whether there is one", async () => {
      const source = `r2 = *(u32 *)(r1 + 60)
        r3 = *(u16 *)(r1 + 36)
        r4 = *(u32 *)(r1 + 40)
        r5 = *(u32 *)(r1 + 12)
        r0 = 0
        if r2 != 8080 goto +4
        if r3 != 0x0500 goto +3
        if r4 != 0x0100007f goto +2
        if r5 != 17 goto +1
        r0 = 1
        exit`;
      const choices = { license: "GPL", attachType: "sk_lookup" } as const;
      using program = await host().loadProgram(assembleProgram("sk_lookup", source, choices));
      const search = (port: number) => {
        const bytes = new Uint8Array(72);
        const view = new DataView(bytes.buffer);
        view.setUint16(8, 2, true);
        view.setUint16(12, 17, true);
        view.setUint16(36, 5, false);
        bytes.set([127, 0, 0, 1], 40);
        view.setUint32(60, port, true);
        return bytes;
      };
      expect(program.testRun({ context: search(8080) }).retval).toBe(1);
      expect(program.testRun({ context: search(8081), repeat: 2 }).retval).toBe(0);
      expect(answerTo(program, { context: search(70_000) })).toBe("ERANGE");
      const device = search(8080);
      device[64] = 1;
      expect(answerTo(program, { context: device })).toBe("EINVAL");
    });

    it("a netfilter program, at the hook of its context", async () => {
      const choices = { license: "GPL", attachType: "netfilter" } as const;
      using program = await host().loadProgram(assembleProgram("netfilter", "r0 = 1\nexit", choices));
      const at = (hook: number, family: number) => {
        const context = new Uint8Array(48);
        context.set([hook, family]);
        return context;
      };
      const frame = testFrame;
      const answers = [
        answerTo(program, { data: frame.subarray(14) }),
        answerTo(program, { data: frame.subarray(0, 19) }),
        answerTo(program, { data: frame, context: at(0, 2) }),
        answerTo(program, { data: frame, context: at(0, 10) }),
        answerTo(program, { data: frame, context: at(0, 3) }),
        answerTo(program, { data: frame.subarray(14), context: at(3, 10) }),
        answerTo(program, {
          data: Uint8Array.of(...frame.subarray(0, 12), 1, 2, ...frame.subarray(14)),
          context: at(1, 2),
        }),
        answerTo(program, { data: frame.subarray(0, 33), context: at(1, 2) }),
      ];
      expect(answers.map((each) => each.replace(/\/\d+$/, ""))).toEqual([
        ...["1/0", "EINVAL", "1/0", "EINVAL", "EINVAL", "1/0", "EPROTO", "EINVAL"],
      ]);
    });

    it("a flow dissector answers with the keys, with offsets that lie in the packet", async () => {
      const source = `r2 = *(u64 *)(r1 + 144)
        r3 = *(u32 *)(r2 + 48)
        *(u16 *)(r2 + 0) = 3
        *(u16 *)(r2 + 2) = 5000
        *(u8 *)(r2 + 9) = 6
        *(u32 *)(r2 + 16) = r3
        r0 = 2
        exit`;
      const choices = { license: "GPL", attachType: "flow_dissector" } as const;
      using program = await host().loadProgram(assembleProgram("flow_dissector", source, choices));
      const context = new Uint8Array(56);
      context[48] = 5;
      const { retval, data } = program.testRun({ data: testFrame, context, repeat: 3 });
      const view = new DataView(data.buffer, data.byteOffset);
      expect([retval, view.getUint16(0, true), view.getUint16(2, true), data[9], data[16]]).toEqual([2, 14, 60, 6, 5]);
      expect([...data.subarray(10, 12)]).toEqual([8, 0]);
    });
  });
}

function answerTo(program: Program, options: TestRunOptions): string {
  try {
    const { retval, data, context } = program.testRun(options);
    return `${retval}/${data.length}/${context.length}`;
  } catch (error) {
    if (error instanceof SyscallError) return error.errnoName;
    throw error;
  }
}
