import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CaptureReader } from "@tsbpf/core/packet";
import { kernelProblem } from "@tsbpf/linux";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "../testing/command-line.js";

const examples = fileURLToPath(new URL("../../../../examples/", import.meta.url));
const counter = `${examples}packet-counter/packet-counter.bpf.o`;
const filter = `${examples}ddos-filter/ddos-filter.bpf.o`;
const balancer = `${examples}load-balancer/load-balancer.bpf.o`;
const capture = (name: string) => `${examples}captures/${name}.pcap`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tsbpf-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function packetsOf(file: string): Uint8Array[] {
  const reader = new CaptureReader();
  const packets: Uint8Array[] = [];
  reader.push(readFileSync(file));
  for (let packet = reader.next(); packet; packet = reader.next()) packets.push(packet.data.slice());
  reader.end();
  return packets;
}

async function runJson(...words: string[]) {
  const { status, out, err } = await commandLine("run", ...words, "--json");
  expect(err).toBe("");
  expect(status).toBe(0);
  return JSON.parse(out);
}

describe("tsbpf run", () => {
  it("counts a capture by protocol", async () => {
    const report = await runJson(counter, "--pcap", capture("web"));
    const total = packetsOf(capture("web")).length;
    expect(report).toMatchObject({
      program: "count",
      type: "xdp",
      host: "machine",
      packets: total,
      skipped: 0,
      actions: { XDP_PASS: total },
    });
    const counted = report.maps.by_protocol.map(
      (entry: { value: { cpus: { packets: number }[] } }) => entry.value.cpus[0]?.packets,
    );
    const other = report.maps.by_ethertype.map((entry: { value: { packets: number } }) => entry.value.packets);
    expect([...counted, ...other].reduce((sum: number, packets: number) => sum + packets, 0)).toBe(total);
  });

  it("drops the flood and what the block list names, by the capture's own clock", async () => {
    const open = await runJson(filter, "--pcap", capture("syn-flood"));
    expect(open.actions.XDP_DROP).toBeGreaterThan(1900);
    expect(open.actions.XDP_PASS).toBeGreaterThan(40);
    const blocked = await runJson(filter, "--pcap", capture("web"), "--map", "blocked:192.0.2.0/24=0");
    const reasons = blocked.maps.packets_by_reason.map((entry: { value: { cpus: number[] } }) => entry.value.cpus[0]);
    expect(reasons[1]).toBe(blocked.actions.XDP_DROP);
    expect(blocked.maps.blocked).toEqual([{ key: { length: 24, address: [192, 0, 2, 0] }, value: reasons[1] }]);
    const generous = await runJson(
      filter,
      "--pcap",
      capture("syn-flood"),
      "--set",
      "syn_burst=5000",
      "--set",
      "packet_burst=9000",
    );
    expect(generous.actions.XDP_DROP).toBeUndefined();
  });

  it("writes rewritten packets", async () => {
    const service = { key: { address: "192.0.2.80", port: "0x5000", protocol: 6, pad: 0 }, value: { index: 0 } };
    const server = { address: "10.0.0.7", mac: "02:00:00:00:00:07", pad: 0 };
    const contents = join(folder, "maps.json");
    writeFileSync(contents, JSON.stringify({ services: [service], servers: [{ key: 0, value: server }] }));
    const written = join(folder, "out.pcap");
    const report = await runJson(balancer, "--pcap", capture("web"), "--map-file", contents, "--write", written);
    expect(report.actions.XDP_TX).toBeGreaterThan(10);
    const packets = packetsOf(written);
    expect(packets.length).toBe(report.actions.XDP_TX + report.actions.XDP_PASS);
    const tunnelled = packets.filter((packet) => packet[12] === 8 && packet[13] === 0 && packet[23] === 4);
    expect(tunnelled.length).toBe(report.actions.XDP_TX);
    expect([...tunnelled[0]!.subarray(30, 34)]).toEqual([10, 0, 0, 7]);
    expect(readdirSync(folder)).toContain("out.pcap");
  });

  it("gives the same with either engine", async () => {
    const words = [filter, "--pcap", capture("syn-flood"), "--map", "blocked:192.0.2.80/32=0"];
    const { ns_per_packet: _jit, engine: jit, ...translated } = await runJson(...words);
    const { ns_per_packet: _int, engine, ...interpreted } = await runJson(...words, "--engine", "interpreter");
    expect([jit, engine]).toEqual(["jit", "interpreter"]);
    expect(translated).toEqual(interpreted);
  });

  it("tells packets one by one and the maps afterwards", async () => {
    const { out } = await commandLine("run", counter, "--pcap", capture("ping6"), "--each", "2", "--maps");
    expect(out).toMatch(/^ {4}1 {2}XDP_PASS {6}IP6 .*\n {4}2 /);
    expect(out).toContain("by_protocol  percpu_array");
  });

  it.skipIf(kernelProblem() !== undefined)(
    `answers as the kernel does${kernelProblem() ? ` (${kernelProblem()})` : ""}`,
    async () => {
      for (const name of ["web", "dns", "vlan", "port-scan"]) {
        const ours = await runJson(counter, "--pcap", capture(name));
        const kernels = await runJson(counter, "--pcap", capture(name), "--host", "kernel");
        expect(kernels.actions).toEqual(ours.actions);
        expect(kernels.maps.by_ethertype).toEqual(ours.maps.by_ethertype);
      }
    },
  );

  it("says in one line what is wrong", async () => {
    const cases: [string[], number, RegExp][] = [
      [["run", "/nowhere/x.o", "--pcap", capture("web")], 1, /^tsbpf: \/nowhere\/x\.o: no such file\n$/],
      [["run", counter, "--pcap", "/nowhere/x.pcap"], 1, /^tsbpf: \/nowhere\/x\.pcap: no such file\n$/],
      [["run", counter], 2, /^tsbpf: --pcap IN is needed/],
      [["run", counter, "--pcap", counter], 1, /no capture file: it is an ELF file/],
      [["run", capture("web"), "--pcap", capture("web")], 1, /ELF/],
      [["run", counter, "--program", "nope", "--pcap", capture("web")], 1, /there is no program 'nope'/],
      [
        ["run", counter, "--pcap", capture("web"), "--map", "nope:1=1"],
        1,
        /there is no map 'nope'\nthe object has by_protocol/,
      ],
      [["run", counter, "--pcap", capture("web"), "--repeat", "x"], 2, /--repeat/],
      [["runn", counter], 2, /unknown command 'runn'/],
    ];
    for (const [words, status, message] of cases) {
      const result = await commandLine(...words);
      expect(result.err, words.join(" ")).toMatch(message);
      expect(result.status, words.join(" ")).toBe(status);
      expect(result.out).toBe("");
    }
  });
});

describe("tsbpf run of an assembly source", () => {
  const source = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it("assembles it, and tells the same as of the object that tsbpf asm makes", async () => {
    const file = source(
      "tally.s",
      `.map totals array 4 8 1
       .section "xdp"
       .globl tally
       tally:
         *(u32 *)(r10 - 4) = 0
         r2 = r10; r2 += -4
         r1 = totals ll
         call bpf_map_lookup_elem
         if r0 == 0 goto out
         r1 = 1
         lock *(u64 *)(r0 + 0) += r1
       out:
         r0 = 2
         exit
       .section license
       .asciz "GPL"`,
    );
    const total = packetsOf(capture("web")).length;
    const report = await runJson(file, "--pcap", capture("web"));
    expect(report).toMatchObject({ program: "tally", actions: { XDP_PASS: total } });
    expect(report.maps.totals).toEqual([{ key: 0, value: total }]);
    const object = join(folder, "tally.o");
    expect((await commandLine("asm", file, "-o", object)).status).toBe(0);
    const again = await runJson(object, "--pcap", capture("web"));
    expect({ ...again, ns_per_packet: 0 }).toEqual({ ...report, ns_per_packet: 0 });
  });

  it("asks for the type where there is no section, and points at mistakes", async () => {
    const plain = source("plain.s", "r0 = 1\nexit\n");
    const untold = await commandLine("run", plain, "--pcap", capture("web"));
    expect(untold.status).toBe(1);
    expect(untold.err).toContain("nothing says what type of program text in section .text is\n");
    expect((await runJson(plain, "--type", "xdp", "--pcap", capture("web"))).actions).toHaveProperty("XDP_DROP");
    const wrong = await commandLine("run", source("wrong.s", "r0 = 1\n  exti\n"), "--pcap", capture("web"));
    expect(wrong.err).toContain(`wrong.s:2:3: expected an instruction`);
    expect(wrong.err).toContain("\n  exti\n  ^\n");
  });
});

describe("tsbpf run of a capture that breaks off", () => {
  it("tells what was counted before it did, and fails", async () => {
    const whole = readFileSync(capture("web"));
    const broken = join(folder, "broken.pcap");
    writeFileSync(broken, whole.subarray(0, whole.length - 5));
    const packets = packetsOf(capture("web")).length - 1;
    const asText = await commandLine("run", counter, "--pcap", broken);
    expect(asText.status).toBe(1);
    expect(asText.out).toContain(`${packets} packets`);
    expect(asText.err).toMatch(/^tsbpf: .*broken\.pcap: the file ends within a record .*\n$/);
    const asJson = await commandLine("run", counter, "--pcap", broken, "--json");
    expect(asJson.status).toBe(1);
    expect(JSON.parse(asJson.out)).toMatchObject({ packets, error: expect.stringContaining("ends within a record") });
  });
});
