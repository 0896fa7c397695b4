import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const built = existsSync(join(root, "packages/cli/dist/main.js"));
const bin = join(root, "packages/cli/bin/tsbpf.js");

const topology = `
cpus: 2
namespaces:
  server:
    routes: { default: 10.0.0.1 }
devices:
  - veth: [eth0, server/eth0]
    addresses: [[10.0.0.1/24], [10.0.0.2/24, "fd00::2/64"]]
  - capture: wan0
    queues: 2
programs:
  - file: ${root}examples/ddos-filter/ddos-filter.bpf.o
    pin: ddos
    set: { packet_burst: 100000, packet_rate: 100000 }
links:
  - { program: ddos/ddos_filter, xdp: wan0 }
replay:
  - { capture: ${root}examples/captures/syn-flood.pcap, device: wan0 }
`;

describe.skipIf(!built)("a Machine that stays up (skipped before npm run build)", () => {
  let folder: string;
  let environment: NodeJS.ProcessEnv;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tsbpf-up-"));
    environment = { ...process.env, TSBPF_SOCKET: join(folder, "machine.sock"), XDG_STATE_HOME: folder };
    writeFileSync(join(folder, "lab.yaml"), topology);
  });
  afterAll(async () => {
    await tsbpf("down");
    rmSync(folder, { recursive: true, force: true });
  });

  function tsbpf(...words: string[]): Promise<{ status: number; out: string; err: string }> {
    return new Promise((fulfil) => {
      execFile(process.execPath, [bin, ...words], { env: environment, cwd: folder }, (error, out, err) => {
        fulfil({ status: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err });
      });
    });
  }

  async function answer(...words: string[]) {
    const { status, out, err } = await tsbpf("--json", "--host", "machine", ...words);
    expect({ status, err }, out).toEqual({ status: 0, err: "" });
    return JSON.parse(out);
  }

  it("says what to do where none is up", async () => {
    const { status, err } = await tsbpf("--host", "machine", "prog", "show");
    expect(status).toBe(1);
    expect(err).toBe("tsbpf: no Machine is up\n`tsbpf up` starts one; --host kernel asks the running kernel\n");
    expect((await tsbpf("down")).err).toBe("tsbpf: no Machine is up\n");
  });

  it("tells a topology's mistakes with their lines, and starts nothing", async () => {
    const mistakes: readonly [text: string, message: string][] = [
      ["devices:\n  - veth: [a]\n", "2: devices[0].veth: a veth pair has two ends"],
      ["cpus: 1\nprogams: []\n", "2: progams: 'progams' is not known here; did you mean 'programs'?"],
      ["links:\n  - xdp: eth0\n", "2: links[0]: 'program' is missing"],
      ["cpus: 0\n", "1: cpus: a number of CPUs from 1 to 1024 is wanted"],
      ["a: [1\n", "2:1: "],
    ];
    for (const [text, message] of mistakes) {
      writeFileSync(join(folder, "wrong.yaml"), text);
      const { status, err } = await tsbpf("up", "wrong.yaml");
      expect(status, text).toBe(1);
      expect(err, text).toContain(`wrong.yaml:${message}`);
    }
    writeFileSync(join(folder, "wrong.yaml"), "devices:\n  - capture: nowhere/eth0\n");
    expect((await tsbpf("up", "wrong.yaml")).err).toBe("tsbpf: there is no namespace 'nowhere' in the topology\n");
    expect((await tsbpf("down")).status).toBe(1);
  });

  it("is built from a topology, and verbs reach it", async () => {
    const up = await tsbpf("up", "lab.yaml", "--json");
    expect(up.err).toBe("");
    expect(JSON.parse(up.out)).toMatchObject({ pid: expect.any(Number), socket: environment.TSBPF_SOCKET });
    expect(statSync(environment.TSBPF_SOCKET!).mode & 0o777).toBe(0o600);
    expect((await tsbpf("up")).err).toContain("a Machine is up already");

    const [program] = await answer("-f", "prog", "show");
    expect(program).toMatchObject({ type: "xdp", name: "ddos_filter", jited: true });
    expect(program.pinned).toEqual(["/sys/fs/bpf/ddos/ddos_filter"]);
    expect((await answer("net", "show"))[0].xdp).toEqual([
      { devname: "wan0", ifindex: expect.any(Number), mode: "driver", id: program.id },
    ]);
    const reasons = await answer("map", "dump", "pinned", "/sys/fs/bpf/ddos/packets_by_reason");
    const packets = reasons.flatMap(({ formatted }: { formatted: { values: { value: number }[] } }) =>
      formatted.values.map(({ value }) => value),
    );
    expect(packets.reduce((sum: number, count: number) => sum + count, 0)).toBe(2048);
  });

  it("loads, pins, attaches and detaches, from the caller's own folder", async () => {
    writeFileSync(
      join(folder, "drop.s"),
      '.section "xdp"\n.globl drop\ndrop: r0 = 1\nexit\n.section license\n.asciz "GPL"\n',
    );
    await answer("prog", "load", "drop.s", "/sys/fs/bpf/drop");
    await answer("net", "attach", "xdp", "pinned", "/sys/fs/bpf/drop", "dev", "server/eth0");
    const [link] = (await answer("link", "show")).filter(
      ({ devname }: { devname: string }) => devname === "server/eth0",
    );
    expect(link).toMatchObject({ type: "xdp" });
    const again = await tsbpf(
      "--host",
      "machine",
      "net",
      "attach",
      "xdp",
      "pinned",
      "/sys/fs/bpf/drop",
      "dev",
      "server/eth0",
    );
    expect(again).toMatchObject({ status: 1, out: "" });
    expect(again.err).toContain("EBUSY");
    await answer("net", "detach", "xdp", "dev", "server/eth0");
    expect(await answer("net", "show", "dev", "server/eth0")).toMatchObject([{ xdp: [] }]);
    await answer("xdp", "attach", "server/eth0", "obj", "drop.s");
    const [shown] = await answer("xdp", "status", "server/eth0");
    expect(shown).toMatchObject({ ifname: "server/eth0", mode: "native", prog: { name: "drop" } });
    await answer("xdp", "detach", "server/eth0");
    expect(await answer("xdp", "status", "server/eth0")).toEqual([]);
    await answer(
      "map",
      "create",
      "/sys/fs/bpf/flows",
      "type",
      "hash",
      "key",
      "4",
      "value",
      "4",
      "entries",
      "8",
      "name",
      "flows",
    );
    await answer("map", "update", "name", "flows", "key", "1", "0", "0", "0", "value", "5", "0", "0", "0");
    expect(await answer("map", "lookup", "name", "flows", "key", "1", "0", "0", "0")).toMatchObject({
      value: ["0x05", "0x00", "0x00", "0x00"],
    });
    const { out } = await tsbpf("--host", "machine", "prog", "dump", "xlated", "name", "drop", "linum");
    expect(out).toBe(
      "int drop(void * ctx):\n; drop: r0 = 1 [file:drop.s line_num:3 line_col:7]\n   0: (b7) r0 = 1\n; exit [file:drop.s line_num:4 line_col:1]\n   1: (95) exit\n",
    );
    expect((await tsbpf("--host", "machine", "prog", "load", "drop.s", "/tmp/x")).err).toBe(
      "tsbpf: /tmp/x: the Machine's pins are below /sys/fs/bpf\n",
    );
  });

  it("goes down, leaves no socket, and has its pins again when it is up", async () => {
    expect(await tsbpf("down")).toEqual({ status: 0, out: "", err: "" });
    expect(existsSync(environment.TSBPF_SOCKET!)).toBe(false);
    expect(statSync(join(folder, "tsbpf", "pins")).mode & 0o777).toBe(0o600);
    expect((await tsbpf("up")).err).toBe("");
    const [filter, drop] = await answer("-f", "prog", "show");
    expect([filter.pinned, drop.pinned]).toEqual([["/sys/fs/bpf/ddos/ddos_filter"], ["/sys/fs/bpf/drop"]]);
    expect(await answer("map", "lookup", "pinned", "/sys/fs/bpf/flows", "key", "1", "0", "0", "0")).toMatchObject({
      value: ["0x05", "0x00", "0x00", "0x00"],
    });
    await tsbpf("down");
    expect((await tsbpf("up", "--cpus", "3")).err).toContain("of a Machine with 2 CPUs, not 3");
    expect((await tsbpf("up", "--fresh")).err).toBe("");
    expect(await answer("prog", "show")).toEqual([]);
    await answer("prog", "load", "drop.s", "/sys/fs/bpf/drop");
    mkdirSync(join(folder, "tsbpf", "pins.new"));
    const unsaved = await tsbpf("down");
    expect(unsaved.status).toBe(1);
    expect(unsaved.err).toMatch(/^tsbpf: the pins were not saved: .*is a directory\n$/);
    expect((await tsbpf("down")).err).toBe("tsbpf: no Machine is up\n");
  });
});
