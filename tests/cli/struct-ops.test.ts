import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { bpftool, describeWithBpftool, mustBpftool, privateBpffs } from "./kernel-state.js";

const testdata = new URL("../../testdata/kernel/", import.meta.url).pathname;
const congestion = new URL("../../testdata/cli/interfaces.bpf.o", import.meta.url).pathname;
const iterator = `${testdata}tracing.bpf.o`;

describeWithBpftool("interfaces and iterators", () => {
  let bpffs: string;

  beforeAll(() => {
    bpffs = privateBpffs();
  });

  // What is written, not linked, outlives its owner.
  afterAll(async () => {
    await commandLine("struct_ops", "unregister", "name", "by_value");
  });

  it("struct_ops without a place for its links is refused, and nothing is in force", async () => {
    const { status, err } = await commandLine("struct_ops", "register", congestion);
    expect([status, err.split("\n").length]).toEqual([1, 3]);
    expect(err).toContain("'by_link' is in force by a link, which would go with this command\nsay where to pin it");
    expect(available()).not.toContain("tsbpf_by");
  });

  it("struct_ops: registered, listed and dumped as by bpftool, taken out of force", async () => {
    const { status, err, out } = await commandLine("struct_ops", "register", congestion, `${bpffs}/links`);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toMatch(/^registered tcp_congestion_ops by_link map id \d+ link id \d+$/m);
    expect(available()).toMatch(/tsbpf_by_link.*tsbpf_by_value|tsbpf_by_value.*tsbpf_by_link/);
    expect(existsSync(`${bpffs}/links/by_link`)).toBe(true);
    for (const line of ["-j struct_ops show", "-j struct_ops dump"]) {
      for (const name of ["by_link", "by_value"]) {
        const words = [...line.split(" "), "name", name];
        expect((await commandLine(...words)).out).toBe(bpftool(...words).out);
      }
    }
    // Others may have theirs in force meanwhile.
    const listed = (text: string) => text.split("\n").filter((each) => each.includes(": by_"));
    const all = listed((await commandLine("struct_ops")).out);
    expect(all).toEqual(listed(bpftool("struct_ops", "show").out));
    expect(all.length).toBe(2);
    const plain = await commandLine("struct_ops", "dump", "name", "by_value");
    expect(plain.out).toBe(bpftool("struct_ops", "dump", "name", "by_value").out);
    expect(plain.out).toContain('"ssthresh": "u32 (struct sock *) on_loss/prog_id:');

    mustBpftool("-j", "link", "show", "pinned", `${bpffs}/links/by_link`);
    rmSync(`${bpffs}/links/by_link`);
    expect(await commandLine("struct_ops", "unregister", "name", "by_value")).toMatchObject({ status: 0, err: "" });
    expect(available()).not.toContain("tsbpf_by");
    expect((await commandLine("struct_ops", "dump", "name", "by_valeu")).err).toContain(
      "no struct_ops map is called 'by_valeu'",
    );
  });

  it("what bpftool lists, tsbpf takes out of force by id", async () => {
    await commandLine("struct_ops", "register", congestion, `${bpffs}/links`);
    const written = JSON.parse(bpftool("-j", "struct_ops", "show").out).find(
      ({ name }: { name: string }) => name === "by_value",
    );
    expect((await commandLine("-j", "struct_ops", "unregister", "id", String(written.id))).out).toBe("null\n");
    const again = await commandLine("struct_ops", "unregister", "id", String(written.id));
    expect(again.status).toBe(1);
    rmSync(`${bpffs}/links/by_link`);
  });

  it("iter pin: the file gives what the iterator writes, over a map that bpftool made", async () => {
    mustBpftool("map", "create", `${bpffs}/numbers`, ..."type array key 4 value 8 entries 2 name numbers".split(" "));
    mustBpftool("map", "update", "pinned", `${bpffs}/numbers`, ..."key 1 0 0 0 value 7 0 0 0 0 0 0 0".split(" "));
    const words = ["iter", "pin", iterator, `${bpffs}/walk`, "map", "pinned", `${bpffs}/numbers`];
    expect(await commandLine(...words)).toMatchObject({ status: 0, err: "" });
    expect([...readFileSync(`${bpffs}/walk`)]).toEqual([
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0],
    ]);
    const line = ["-j", "link", "show", "pinned", `${bpffs}/walk`];
    expect((await commandLine(...line)).out).toBe(bpftool(...line).out);
  });

  it("iter pin says what an object lacks", async () => {
    expect((await commandLine("iter", "pin", congestion, `${bpffs}/none`)).err).toContain("has no iterator");
    const folder = mkdtempSync(join(tmpdir(), "tsbpf-"));
    const { status, err } = await commandLine("iter", "pin", iterator, `${folder}/x`);
    expect(status).toBe(1);
    expect(err).not.toBe("");
    rmSync(folder, { recursive: true });
  });
});

function available(): string {
  return readFileSync("/proc/sys/net/ipv4/tcp_available_congestion_control", "utf8");
}
