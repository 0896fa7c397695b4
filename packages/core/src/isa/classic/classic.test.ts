import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssembleError, BpfError, FormatError, NotSupportedError } from "../../base/index.js";
import { disassembleInstruction } from "../disassemble.js";
import { checkEncoding } from "../encoding.js";
import { recordedRuns, refusedPrograms } from "../testing/recorded-classic-runs.js";
import { recordedBraces, recordedFilters, recordedListings } from "../testing/recorded-filters.js";
import { checkClassic } from "./check.js";
import { disassembleClassic } from "./disassemble.js";
import { classicForms } from "./form.js";
import { type ClassicInstruction, decodeClassic, encodeClassic } from "./instruction.js";
import { parseClassic } from "./parse.js";
import { prepareClassic, runClassic } from "./run.js";
import { translateClassic } from "./translate.js";

const unhex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const filterOf = (expression: string): ClassicInstruction[] =>
  parseClassic(recordedFilters.find((filter) => filter.expression === expression)!.optimized);
const instruction = (code: number, k = 0, jt = 0, jf = 0): ClassicInstruction => ({ code, jt, jf, k });
const RET_A = instruction(0x16);

/** An Ethernet frame with an IPv4 header without options, and what follows it. */
function ipv4(protocol: number, rest: readonly number[]): Uint8Array {
  const header = [0x45, 0, 0, 20 + rest.length, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 192, 168, 1, 5];
  return Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, ...header, ...rest]);
}

describe("classic programs as text", () => {
  it("is read in tcpdump's forms", () => {
    const filter = recordedFilters.find(({ expression }) => expression === "udp port 53")!;
    const program = parseClassic(filter.optimized);
    expect(parseClassic(filter.optimized.replaceAll(",", "\n"))).toEqual(program);
    expect(parseClassic(recordedBraces)).toEqual(program);
    expect(decodeClassic(encodeClassic(program))).toEqual(program);
    expect(program[0]).toEqual({ code: 0x28, jt: 0, jf: 0, k: 12 });
  });

  it.each(Object.entries(recordedListings))("is printed as tcpdump -d prints it: %s", (expression, listing) => {
    expect(`${disassembleClassic(filterOf(expression)).join("\n")}\n`).toBe(listing);
  });

  it.each([
    ["", 1, 1, "number of instructions"],
    ["2\n6 0 0 0\n", 3, 1, "2 instructions were announced"],
    ["1\n6 0 0\n", 2, 1, "code, jt, jf and k"],
    ["1\n6 0 0 0 0\n", 2, 1, "code, jt, jf and k"],
    ["1\n6 0 x 0\n", 2, 1, 'found "x"'],
    ["1\n6 300 0 0\n", 2, 1, "jt and jf have 8"],
    ["1,6 0 0 4294967296", 1, 3, "k has 32"],
    ["{ 0x6, 0, 0, 0 } x {}", 1, 18, 'expected "{"'],
    [`1\n${"6 0 0 0\n".repeat(5000)}`, 4098, 1, "at most 4096"],
  ])("is refused where it is something else: %j", (text, line, column, message) => {
    const error = (() => {
      try {
        parseClassic(text);
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(AssembleError);
    expect(error).toMatchObject({ line, column });
    expect(String(error)).toContain(message);
  });

  it("throws nothing but AssembleError", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123456789abx{},\n -") }), (text) => {
        try {
          parseClassic(text);
        } catch (error) {
          expect(error).toBeInstanceOf(AssembleError);
        }
      }),
      { seed: 5, numRuns: 500 },
    );
    expect(() => decodeClassic(new Uint8Array(9))).toThrow(FormatError);
  });
});

describe("classic programs", () => {
  it("return what Linux returned", () => {
    expect(recordedRuns.length).toBeGreaterThanOrEqual(170);
    for (const [program, packet, result] of recordedRuns) {
      expect(runClassic(parseClassic(program), unhex(packet)), program).toBe(result);
    }
  });

  it("are refused where Linux refused them", () => {
    expect(refusedPrograms.length).toBe(60);
    for (const program of refusedPrograms) expect(checkClassic(parseClassic(program)), program).toBeDefined();
  });

  it.each<[string, readonly ClassicInstruction[], string]>([
    ["nothing", [], "length"],
    ["4097 instructions", new Array(4097).fill(RET_A), "length"],
    ["a code of eBPF", [instruction(0x18), RET_A], "unknown_code"],
    ["a return of X", [instruction(0x0e)], "unknown_code"],
    ["k / 0", [instruction(0x34, 0), RET_A], "division_by_zero"],
    ["k % 0", [instruction(0x94, 0), RET_A], "division_by_zero"],
    ["a shift by 32", [instruction(0x64, 32), RET_A], "shift"],
    ["M[16]", [instruction(0x02, 16), RET_A], "memory_index"],
    ["a jump to the end", [instruction(0x05, 1), RET_A], "jump_target"],
    ["a jump far away", [instruction(0x05, 0xffffffff), RET_A], "jump_target"],
    ["a branch to the end", [instruction(0x15, 0, 0, 1), RET_A], "jump_target"],
    ["an unknown question", [instruction(0x20, 0xfffff001), RET_A], "ancillary"],
    ["no return", [instruction(0x00, 1)], "no_return"],
    ["M[1] unwritten", [instruction(0x60, 1), RET_A], "uninitialized_memory"],
    [
      "M[1] written one way only",
      [instruction(0x15, 0, 1, 0), instruction(0x02, 1), instruction(0x60, 1), RET_A],
      "uninitialized_memory",
    ],
  ])("have no %s", (_what, program, code) => {
    expect(checkClassic(program)?.code).toBe(code);
    expect(() => runClassic(program, new Uint8Array(64))).toThrow(BpfError);
    expect(() => translateClassic(program)).toThrow(BpfError);
  });

  it("filter as their expressions say", () => {
    const dns = ipv4(17, [0xc0, 0, 0, 53, 0, 8, 0, 0]);
    const ssh = ipv4(6, [0xc0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02]);
    const verdicts = (packet: Uint8Array): string[] =>
      recordedFilters
        .filter(({ optimized }) => runClassic(parseClassic(optimized), packet) !== 0)
        .map(({ expression }) => expression);
    expect(verdicts(dns)).toEqual(
      expect.arrayContaining(["ip", "udp port 53", "host 10.0.0.1", "ether host 02:00:00:00:00:01"]),
    );
    expect(verdicts(ssh)).toContain("tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn");
    for (const expression of ["tcp", "arp", "ip6", "vlan"]) expect(verdicts(dns)).not.toContain(expression);
  });

  it("decide alike, optimized by libpcap or not", () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 90 });
    const frame = fc.oneof(
      bytes,
      bytes.map((rest) => ipv4(rest[0]! % 2 === 0 ? 6 : 17, [...rest])),
    );
    for (const { expression, optimized, plain } of recordedFilters) {
      const [first, second] = [prepareClassic(parseClassic(optimized)), prepareClassic(parseClassic(plain))];
      fc.assert(
        fc.property(frame, (packet) => {
          expect(first(packet) !== 0, expression).toBe(second(packet) !== 0);
        }),
        { seed: 6, numRuns: 30 },
      );
    }
  });

  it("ask for what is not in the packet", () => {
    const ask = (question: number): ClassicInstruction[] => [instruction(0x20, 0xfffff000 + question), RET_A];
    const environment = {
      protocol: 0x0800,
      packetType: 4,
      ifindex: 7,
      hardwareType: 1,
      mark: 0xdeadbeef,
      queue: 3,
      rxHash: 0x80000001,
      cpu: 2,
      vlanTag: 100,
      vlanTagPresent: true,
      vlanProtocol: 0x8100,
      payloadOffset: 54,
      random: () => 0xfffffffe,
    };
    const answers = [0, 4, 8, 20, 24, 28, 32, 36, 44, 48, 52, 56, 60].map((question) =>
      runClassic(ask(question), new Uint8Array(1), environment),
    );
    expect(answers).toEqual([0x800, 4, 7, 0xdeadbeef, 3, 1, 0x80000001, 2, 100, 1, 54, 0xfffffffe, 0x8100]);
    // Without a device, asking for it ends the program.
    const withoutDevice = [instruction(0x20, 0xfffff008), instruction(0x06, 99)];
    expect(runClassic(withoutDevice, new Uint8Array(1))).toBe(0);
    expect(runClassic(withoutDevice, new Uint8Array(1), { ifindex: 1 })).toBe(99);
  });

  it("read from the link-layer and the network header", () => {
    const packet = ipv4(17, [0xaa]);
    const load = (k: number): ClassicInstruction[] => [instruction(0x30, k), RET_A];
    expect(runClassic(load(0xfff00000 + 9), packet)).toBe(17);
    expect(runClassic(load(0xffe00000 + 12), packet)).toBe(0);
    expect(runClassic(load(0xffe00000 + 12), packet, { linkStart: 0, dataStart: 14 })).toBe(8);
    expect(runClassic(load(20), packet, { dataStart: 14 })).toBe(0xaa);
    expect(runClassic([instruction(0x80), RET_A], packet, { dataStart: 14 })).toBe(21);
  });

  it("find netlink attributes", () => {
    // An attribute of type 1, and one of type 2 that nests one of type 3.
    const message = Uint8Array.from([5, 0, 1, 0, 0xff, 0, 0, 0, 12, 0, 2, 0x80, 8, 0, 3, 0, 1, 2, 3, 4]);
    const find = (question: number, start: number, type: number): number =>
      runClassic(
        [instruction(0x01, type), instruction(0x00, start), instruction(0x20, 0xfffff000 + question), RET_A],
        message,
      );
    expect([find(12, 0, 2), find(12, 0, 3), find(16, 8, 3), find(16, 8, 1), find(12, 4000, 1)]).toEqual([
      8, 0, 12, 0, 0,
    ]);
  });
});

describe("translation to eBPF", () => {
  const texts = (program: readonly ClassicInstruction[]): string[] =>
    translateClassic(program).map((each) => disassembleInstruction(each));

  it("makes valid instructions of every filter", () => {
    for (const { expression, optimized, plain } of recordedFilters) {
      for (const text of [optimized, plain]) {
        for (const each of translateClassic(parseClassic(text)))
          expect(checkEncoding(each), expression).toBeUndefined();
      }
    }
  });

  it("keeps A in r0 and X in r7", () => {
    expect(texts(filterOf("ip"))).toEqual([
      "r6 = r1",
      "w0 = 0",
      "w7 = 0",
      "r0 = *(u16 *)skb[12]",
      "if r0 != 0x800 goto pc+2",
      "w0 = 262144",
      "exit",
      "w0 = 0",
      "exit",
    ]);
  });

  it("divides by X as classic BPF does, compares large constants unsigned, and drops dead code", () => {
    expect(
      texts([
        instruction(0x3c),
        instruction(0x25, 0x80000000, 0, 1),
        RET_A,
        instruction(0x05, 1),
        instruction(0x00, 5),
        RET_A,
      ]).slice(3),
    ).toEqual([
      "if r7 != 0x0 goto pc+2",
      "w0 = 0",
      "exit",
      "w0 /= w7",
      "w8 = -2147483648",
      "if r0 <= r8 goto pc+1",
      "exit",
      "goto pc+0",
      "exit",
    ]);
  });

  it.each([12, 16, 28, 52])("says what eBPF cannot ask: %d", (question) => {
    expect(() => translateClassic([instruction(0x20, 0xfffff000 + question), RET_A])).toThrow(NotSupportedError);
  });

  it("reaches across the longest program", () => {
    const program = [instruction(0x05, 4094), ...new Array(4094).fill(instruction(0xb1, 0)), RET_A];
    expect(translateClassic(program).length).toBe(5);
    const reachable = [instruction(0x15, 1, 255, 0), ...new Array(4094).fill(instruction(0xb1, 0)), RET_A];
    expect(translateClassic(reachable).length).toBe(3 + 1 + 4094 * 6 + 1);
  });

  it("knows a form for every code it may meet", () => {
    expect(classicForms.size).toBe(49);
  });
});
