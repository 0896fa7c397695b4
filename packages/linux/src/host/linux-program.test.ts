import { createMap } from "@tsbpf/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mapIds } from "../index.js";
import { describeKernel } from "../testing/kernel.js";
import { eventually } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";
import { Linux, type LinuxProgram } from "./index.js";

const ENOMEM = 12;
const BPF_F_TEST_XDP_LIVE_FRAMES = 2;

describeKernel("a program of the kernel", () => {
  let host: Linux;
  beforeAll(async () => {
    host = await Linux.open();
  });
  afterAll(() => host?.close());

  const load = async (name: string, object = "hooks") => {
    const loaded = await host.load(kernelObject(object), { programs: [name] });
    return { object: loaded, program: loaded.program(name) as LinuxProgram };
  };

  it("of a raw tracepoint runs on the arguments it is given", async () => {
    const { object, program } = await load("sum_arguments");
    const context = new Uint8Array(BigUint64Array.of(40n, 2n).buffer);
    const result = program.testRun({ context });
    expect(result.retval).toBe(7);
    expect(result.context).toEqual(context);
    expect(object.variables.last_sum!.get()).toBe(42n);
    // Fewer arguments than it reads.
    expect(() => program.testRun({ context: context.subarray(0, 8) })).toThrow("EINVAL");
    expect(() => program.testRun({ context, repeat: 2 })).toThrow("EINVAL");
  });

  it("of a system call answers in its context, and leaves the caller's alone", async () => {
    const { program } = await load("answer");
    const context = new Uint8Array(16);
    new DataView(context.buffer).setUint32(0, 40, true);
    new DataView(context.buffer).setUint32(4, 2, true);
    const before = context.slice();
    const result = program.testRun({ context });
    expect(result.retval).toBe(3);
    expect(new DataView(result.context.buffer).getBigUint64(8, true)).toBe(42n);
    expect(context).toEqual(before);
  });

  it("sends live frames, of which none comes back", async () => {
    const { program } = await load("send_sample", "events");
    const run = { data: new Uint8Array(60), flags: BPF_F_TEST_XDP_LIVE_FRAMES, repeat: 32, batchSize: 16 };
    expect(program.testRun(run).data.length).toBe(0);
    expect(() => program.testRun({ ...run, batchSize: 100_000 })).toThrow();
  });

  it("keeps a map that is bound to it", async () => {
    const { program } = await load("sum_arguments");
    const map = host.createMap(createMap({ name: "bound", type: "array", keySize: 4, valueSize: 4, maxEntries: 1 }));
    const { id } = map.info;
    const before = program.info().mapCount;
    program.bindMap(map);
    map.close();
    expect(program.info().mapCount).toBe(before + 1);
    expect([...mapIds()]).toContain(id);
    program.close();
    await eventually(() => ![...mapIds()].includes(id), "the map goes with the program");
    expect(() => program.bindMap(map)).toThrow("is closed");
  });

  it("is heard through its streams", async ({ skip }) => {
    const { program } = await load("say");
    expect(program.readStream("stdout")).toBe("");
    const first = program.testRun().retval | 0;
    // Kernels that put off initialising memory (CONFIG_DEFERRED_STRUCT_PAGE_INIT) may never have any for streams.
    skip(first === -ENOMEM, "not on this kernel: bpf_stream_vprintk() answers ENOMEM");
    expect(first).toBe(0);
    expect(program.testRun().retval).toBe(0);
    expect(program.readStream("stdout")).toBe("said 42\nsaid 42\n");
    expect(program.readStream("stdout")).toBe("");
    expect(program.readStream("stderr")).toBe("complained\ncomplained\n");
  });
});
