import { describe, expect, it } from "vitest";
import { asm, assembleProgram, errnoOf, mapSpec, programSpec } from "../host/testing/index.js";
import { Machine } from "./index.js";

const returnsOne = programSpec("xdp", [asm.mov(0, 1), asm.exit()]);
const frame = new Uint8Array(60);
const nobody = { uid: 1000, gid: 1000, capabilities: [] };

describe("sysctls", () => {
  it("are named as the kernel's, and take what those take", () => {
    using machine = new Machine();
    const { sysctls } = machine;
    expect(sysctls.names.map((name) => [name, sysctls.read(name)])).toEqual([
      ["net.core.bpf_jit_enable", 1],
      ["net.core.bpf_jit_harden", 0],
      ["net.core.bpf_jit_kallsyms", 0],
      ["net.core.bpf_jit_limit", 528_482_304],
      ["kernel.unprivileged_bpf_disabled", 2],
      ["kernel.bpf_stats_enabled", 0],
    ]);
    sysctls.write("net/core/bpf_jit_harden", 2);
    expect(machine.jit?.settings.harden).toBe(2);
    for (const value of [3, -1, 1.5])
      expect(errnoOf(() => sysctls.write("net.core.bpf_jit_enable", value))).toBe("EINVAL");
    expect(errnoOf(() => sysctls.read("net.core.bpf"))).toBe("ENOENT");
    expect(machine.as(nobody, () => errnoOf(() => sysctls.write("net.core.bpf_jit_harden", 0)))).toBe("EPERM");
  });

  it("choose what runs programs to come, and have code dumped", async () => {
    const lines: string[] = [];
    using machine = new Machine({ kernelLog: (line) => lines.push(line) });
    machine.sysctls.write("net.core.bpf_jit_enable", 2);
    using dumped = await machine.loadProgram(returnsOne);
    expect(lines[0]).toMatch(/^flen=2 proglen=\d+ pass=1 image=[0-9a-f]{8} from=\w+ pid=1$/);
    expect(lines[1]).toMatch(/^JIT code: 00000000: 00 61 73 6d 01 00 00 00( [0-9a-f]{2}){8}$/);
    machine.sysctls.write("net.core.bpf_jit_enable", 0);
    using interpreted = await machine.loadProgram(returnsOne);
    expect([dumped.image.constructor.name, interpreted.image.constructor.name]).toEqual([
      "CompiledProgram",
      "InterpretedProgram",
    ]);
    expect([dumped, interpreted].map((program) => program.testRun({ data: frame }).retval)).toEqual([1, 1]);
    using forced = new Machine({ jit: { alwaysOn: true } });
    expect(errnoOf(() => forced.sysctls.write("net.core.bpf_jit_enable", 0))).toBe("EINVAL");
  });

  it("keep programs of different engines apart in prog arrays", async () => {
    using machine = new Machine();
    using array = machine.createMap(mapSpec("prog_array", { valueSize: 4, maxEntries: 1 }));
    using jited = await machine.loadProgram(returnsOne);
    array.raw.updateReference(new Uint8Array(4), jited);
    machine.sysctls.write("net.core.bpf_jit_enable", 0);
    using interpreted = await machine.loadProgram(returnsOne);
    expect(errnoOf(() => array.raw.updateReference(new Uint8Array(4), interpreted))).toBe("EINVAL");
  });

  it("list programs in kallsyms, and count runs", async () => {
    using machine = new Machine();
    using program = await machine.loadProgram(returnsOne);
    expect(machine.kallsyms()).toEqual([]);
    machine.sysctls.write("net.core.bpf_jit_kallsyms", 1);
    expect(machine.kallsyms()).toHaveLength(1);
    expect(machine.kallsyms()[0]).toMatch(
      new RegExp(`^[0-9a-f]{16} t bpf_prog_${program.info().tag}_\\w+\t\\[bpf\\]$`),
    );
    machine.sysctls.write("kernel.bpf_stats_enabled", 1);
    program.testRun({ data: frame });
    machine.sysctls.write("kernel.bpf_stats_enabled", 0);
    program.testRun({ data: frame });
    expect(program.info().runCount).toBe(1n);
  });

  it("keep unprivileged users out, for good once that is 1", async () => {
    using machine = new Machine();
    const filter = assembleProgram("socket_filter", "r0 = 0\nexit");
    const load = () => machine.as(nobody, () => machine.loadProgram(filter));
    const create = () => machine.as(nobody, () => machine.createMap(mapSpec("hash")));
    await expect(load()).rejects.toThrow("EPERM");
    expect(errnoOf(create)).toBe("EPERM");
    machine.sysctls.write("kernel.unprivileged_bpf_disabled", 0);
    expect(machine.as(nobody, () => errnoOf(() => machine.createMap(mapSpec("devmap"))))).toBe("EPERM");
    create().close();
    (await load()).close();
    machine.sysctls.write("kernel.unprivileged_bpf_disabled", 1);
    await expect(load()).rejects.toThrow("EPERM");
    expect(errnoOf(() => machine.sysctls.write("kernel.unprivileged_bpf_disabled", 0))).toBe("EPERM");
    expect(errnoOf(() => machine.sysctls.write("kernel.unprivileged_bpf_disabled", 2))).toBe("EPERM");
    expect(machine.sysctls.read("kernel.unprivileged_bpf_disabled")).toBe(1);
  });

  it("have no unprivileged program accepted that was not verified as such", async () => {
    using machine = new Machine();
    machine.sysctls.write("kernel.unprivileged_bpf_disabled", 0);
    const leaks = assembleProgram("socket_filter", "r0 = r1\nexit");
    await expect(machine.as(nobody, () => machine.loadProgram(leaks))).rejects.toThrow("leaks addr");
    const fine = assembleProgram("socket_filter", "r0 = 0\nexit");
    await expect(machine.as(nobody, () => machine.loadProgram(fine, { verify: false }))).rejects.toThrow("EPERM");
    (await machine.loadProgram(leaks)).close();
  });
});
