import { readFileSync } from "node:fs";
import { type LoadedObject, Machine, type ObjectSpec, readObject } from "@tsbpf/core";
import { loadKernelTypes } from "@tsbpf/core/kernel-types";
import { afterEach, describe, expect, it } from "vitest";

const bytes = readFileSync(new URL("../testdata/machine/tracing.bpf.o", import.meta.url));
const kernelTypes = await loadKernelTypes();
const task = { pid: 100, tgid: 90, comm: "worker" };

interface Result {
  readonly runs: bigint;
  readonly cookie: bigint;
  readonly ip: bigint;
  readonly arguments: bigint;
  readonly first: bigint;
  readonly second: bigint;
  readonly returned: bigint;
  readonly error: bigint;
  readonly text: string | Uint8Array;
}

for (const engine of ["jit", "interpreter"] as const) {
  describe(`hooks that trace, with programs ${engine === "jit" ? "translated" : "interpreted"}`, () => {
    let machine: Machine;
    let object: LoadedObject;
    afterEach(() => machine.close());

    async function load(...programs: string[]): Promise<void> {
      machine = new Machine({ kernelTypes, task, engine });
      const spec: ObjectSpec = readObject(bytes);
      object = await machine.load(spec, { programs });
    }
    const result = (name: string) => object.variables[name]!.get() as Result;
    const program = (name: string) => object.program(name);

    it("verify every program", async () => {
      await load();
      for (const name of readObject(bytes).programs.keys()) {
        using loaded = await machine.load(readObject(bytes), { programs: [name], logLevel: 1 });
        expect(loaded.program(name).log, name).toMatch(/processed \d+ insns/);
      }
    });

    it("tracepoint: the record's fields, and what its pointers lead to", async () => {
      await load("on_tracepoint");
      const name = machine.kernel.createBytes("/etc/passwd");
      const fields = { id: 257, args: [0, name.address, 0o644, 0, 0, 0] };
      const link = machine.attachTracepoint(program("on_tracepoint"), undefined, { cookie: 5n });
      expect(link.kind).toBe("tracepoint");
      machine.fire.tracepoint("syscalls/sys_enter_openat", { struct: "trace_event_raw_sys_enter", fields });
      machine.fire.tracepoint("syscalls/sys_enter_close", { struct: "trace_event_raw_sys_enter", fields });
      expect(result("at_tracepoint")).toMatchObject({ runs: 1n, cookie: 5n, first: 257n, second: 0o644n });
      expect(result("at_tracepoint").text).toBe("/etc/passwd");
      link.close();
      expect(machine.fire.tracepoint("syscalls/sys_enter_openat", new Uint8Array(64))).toEqual([]);
    });

    it("raw and typed tracepoints: one event for both", async () => {
      await load("on_raw", "on_typed");
      machine.attachRawTracepoint(program("on_raw"));
      machine.attachRawTracepoint(program("on_typed"), undefined, { cookie: 9n });
      const parent = machine.kernel.create("task_struct", { pid: 1 });
      const runs = machine.fire.rawTracepoint("sched_process_exec", [
        { pid: 7, comm: "sh", real_parent: parent },
        -3,
        { filename: "/bin/sh" },
      ]);
      expect(runs.map(({ program: { name }, error }) => [name, error])).toEqual([
        ["on_raw", undefined],
        ["on_typed", undefined],
      ]);
      expect(result("at_raw")).toMatchObject({ runs: 1n, first: 0xffff_fffdn, second: 7n, text: "sh" });
      expect(result("at_typed")).toMatchObject({ runs: 1n, first: 7n, second: 1n, returned: 0n, cookie: 9n });
      expect(() => machine.attachRawTracepoint(program("on_raw"), "no_such_event")).toThrow("ENOENT");
      expect(() => machine.fire.rawTracepoint("sched_process_exec", [])).toThrow("has 3 arguments, not 0");
    });

    it("kprobes and kretprobes: registers by the calling convention", async () => {
      await load("on_kprobe", "on_kretprobe");
      machine.attachKprobe(program("on_kprobe"), { cookie: 3n });
      const atReturn = machine.attachKprobe(program("on_kretprobe"), { return: true });
      expect(atReturn.kind).toBe("kretprobe");
      const { returned, reached } = machine.fire.kernelCall("do_unlinkat", [-100, 0x1234n], { returns: -2 });
      expect([returned, reached]).toEqual([BigInt.asUintN(64, -2n), true]);
      expect(BigInt.asIntN(32, result("at_kprobe").first)).toBe(-100n);
      expect(result("at_kprobe")).toMatchObject({ runs: 1n, second: 0x1234n, cookie: 3n });
      expect(result("at_kprobe").ip).toBe(machine.environment.symbols.address("do_unlinkat"));
      expect(result("at_kretprobe")).toMatchObject({ runs: 1n, returned: BigInt.asUintN(64, -2n) });
    });

    it("kprobe sessions: a run that says so at the entry has none at the return", async () => {
      await load("on_session");
      machine.attachKprobeMulti(program("on_session"), { symbols: ["do_unlinkat"] });
      machine.fire.kernelCall("do_unlinkat", [0, 0]);
      expect(result("at_session")).toMatchObject({ runs: 2n, returned: 1n });
      machine.fire.kernelCall("do_unlinkat", [0, 0]);
      expect(result("at_session")).toMatchObject({ runs: 3n, returned: 1n });
      expect(() => machine.attachKprobeMulti(program("on_session"), { symbols: [] })).toThrow("EINVAL");
    });

    it("fentry and fexit: arguments, count, result", async () => {
      await load("on_fentry", "on_fexit");
      machine.attachRawTracepoint(program("on_fentry"));
      machine.attachRawTracepoint(program("on_fexit"));
      machine.fire.kernelCall("bpf_fentry_test2", [2, 3n], { returns: () => 5 });
      expect(result("at_fentry")).toMatchObject({ runs: 1n, first: 2n, second: 3n, arguments: 2n, error: -22n });
      expect(result("at_fexit")).toMatchObject({ runs: 1n, first: 5n, returned: 5n, error: 0n });
    });

    it("fmod_ret: a program in place of the function", async () => {
      await load("on_modify");
      machine.attachRawTracepoint(program("on_modify"));
      let calls = 0;
      const returns = () => ++calls;
      const stood = machine.fire.kernelCall("bpf_modify_return_test", [1, 0], { returns });
      expect([BigInt.asIntN(32, stood.returned), stood.reached, calls]).toEqual([-22n, false, 0]);
      const reached = machine.fire.kernelCall("bpf_modify_return_test", [2, 0], { returns });
      expect([reached.returned, reached.reached]).toEqual([1n, true]);
    });

    it("LSM: the first refusal is the hook's result", async () => {
      await load("on_file_open");
      machine.attachRawTracepoint(program("on_file_open"));
      const open = (number: number) =>
        machine.fire.lsm("file_open", [{ f_flags: 2, f_inode: machine.kernel.create("inode", { i_ino: number }) }]);
      expect(open(12)).toMatchObject({ returned: 0n, reached: true });
      const refused = open(13);
      expect([BigInt.asIntN(32, refused.returned), refused.reached]).toEqual([-1n, false]);
      expect(result("at_lsm")).toMatchObject({ runs: 2n, first: 2n, second: 13n });
    });

    it("uprobes: of this place, of this process", async () => {
      await load("on_uprobe");
      const path = "/usr/bin/server";
      machine.attachUprobe(program("on_uprobe"), path, { symbol: "handle", pid: 90, cookie: 8n });
      machine.fire.userCall(path, { symbol: "handle" }, [77]);
      machine.fire.userCall(path, { symbol: "other" }, [78]);
      machine.environment.task.tgid = 91;
      machine.fire.userCall(path, { symbol: "handle" }, [79]);
      expect(result("at_uprobe")).toMatchObject({ runs: 1n, first: 77n, cookie: 8n });
    });

    it("perf events: registers, period and stack of a sample", async () => {
      await load("on_sample");
      machine.attachPerf(program("on_sample"), { type: 1, config: 0, period: 1000, pid: 0 });
      machine.fire.perfSample({ type: 1, config: 0 }, { registers: { ip: 0x4000 }, kernelStack: [1n, 2n, 3n] });
      expect(result("at_sample")).toMatchObject({ runs: 1n, first: 1000n, ip: 0x4000n, error: 16n });
      expect(() => machine.attachPerf(program("on_sample"), { type: 1, config: 0 })).toThrow("EINVAL");
      expect(() => machine.fire.perfSample({ type: 1, config: 0 }, { registers: { eax: 1 } })).toThrow("no eax");
    });

    it("iterators: the machine's tasks, and what the caller gives", async () => {
      await load("walk_tasks");
      machine.environment.tasks.add(machine.kernel.create("task_struct", { pid: 5, tgid: 4, comm: "other" }));
      using all = machine.attachIterator(program("walk_tasks"));
      expect(all.readText()).toBe("Z\0\0\0 100 worker\n\x04\0\0\0 5 other\n");
      using one = machine.attachIterator(program("walk_tasks"), { pid: 4 });
      expect(one.readText()).toBe("\x04\0\0\0 5 other\n");
    });

    it("work queues: work is done when the clock is moved, once for all that asked", async () => {
      machine = new Machine({ kernelTypes, task, engine });
      const bytes = readFileSync(new URL("../testdata/machine/work.bpf.o", import.meta.url));
      object = await machine.load(readObject(bytes));
      const works = () => object.map("works").lookup(2) as { asked: bigint; done: bigint };
      const ask = () => program("ask").testRun({ data: new Uint8Array(64) }).retval;
      expect([ask(), ask(), works().done]).toEqual([0, 10, 0n]);
      expect(machine.runTimers()).toBe(1);
      expect(works()).toMatchObject({ asked: 2n, done: 12n });
      expect([machine.advance(1_000_000), works().done]).toEqual([0, 12n]);
      expect([ask(), machine.advance(1), works().done]).toEqual([10, 1, 24n]);
      ask();
      object.close();
      expect(machine.advance(1_000_000)).toBe(0);
    });

    it("struct_ops: the caller calls the members of what is in force", async () => {
      machine = new Machine({ kernelTypes, task, engine });
      const congestion = readFileSync(new URL("../testdata/kernel/congestion.bpf.o", import.meta.url));
      object = await machine.load(readObject(congestion));
      const [linked, written] = [object.map("linked"), object.map("written")];
      const socket = machine.kernel.create("tcp_sock");
      expect(() => machine.callStructOps(linked, "ssthresh", [socket])).toThrow("EBADF");
      const link = machine.attachStructOps(linked);
      expect([link.kind, machine.linkIds]).toEqual(["struct_ops", [link.id]]);
      expect(() => machine.attachStructOps(linked)).toThrow("EBUSY");
      machine.callStructOps(linked, "init", [socket]);
      machine.callStructOps(linked, "cong_avoid", [socket, 1, 2]);
      expect(machine.callStructOps(linked, "ssthresh", [socket])).toMatchObject({ returned: 2n, error: undefined });
      expect(machine.callStructOps(linked, "set_state", [socket, 1])).toBeUndefined();
      expect(() => machine.callStructOps(linked, "ssthresh", [])).toThrow("has 1 arguments, not 0");
      expect(() => machine.callStructOps(linked, "nothing", [])).toThrow("has no function nothing");
      expect([object.variables.connections!.get(), object.variables.acknowledgements!.get()]).toEqual([1n, 1n]);
      expect(() => machine.attachStructOps(object.map(".bss"))).toThrow("is no struct_ops map");
      link.close();
      expect(() => machine.callStructOps(linked, "init", [socket])).toThrow("EBADF");
      machine.attachStructOps(written).close();
      object.close();
      expect([machine.programIds, machine.mapIds]).toEqual([[], []]);
    });

    it("take programs of their own types only, and links that keep their program", async () => {
      await load("on_sample", "on_kprobe");
      expect(() => machine.attachTracepoint(program("on_sample"), "a/b")).toThrow("a tracepoint takes tracepoint");
      const link = machine.attachKprobe(program("on_kprobe"));
      expect(() => link.update(program("on_kprobe"))).toThrow("EINVAL");
      expect(machine.linkIds).toEqual([link.id]);
    });
  });
}
