import { spawnSync } from "node:child_process";
import type { LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Linux, UserRing } from "../index.js";
import { describeKernel } from "../testing/kernel.js";
import { eventually } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";

const frame = new Uint8Array(60);

describeKernel("events", () => {
  let host: Linux;
  let object: LoadedObject;

  beforeAll(async () => {
    host = await Linux.open();
  });
  beforeEach(async () => {
    object?.close();
    object = await host.load(kernelObject("events"));
  });
  afterAll(() => host?.close());

  const number = (name: string) => Number(object.variables[name]!.get());
  const send = (count: number) => {
    object.variables.burst!.set(count);
    object.program("send_events").testRun({});
  };

  it("come decoded out of a ring buffer, by for await", async () => {
    send(3);
    const numbers: unknown[] = [];
    for await (const event of object.map("events")) {
      numbers.push((event as { number: bigint }).number);
      if (numbers.length === 3) send(2);
      if (numbers.length === 5) break;
    }
    expect(numbers).toEqual([0n, 1n, 2n, 3n, 4n]);
  });

  it("that were discarded are left out", () => {
    const stream = object.map("events").events();
    object.program("send_and_discard").testRun({});
    expect(stream.drain().map(({ value }) => (value as { number: bigint }).number)).toEqual([0n, 1n]);
    stream.close();
  });

  it("are found in the ring's own memory by a sink that asks for that", () => {
    const numbers: bigint[] = [];
    const subscription = object.map("events").raw.subscribe({
      event: () => numbers.push(-1n),
      record: (memory, offset, length) => {
        expect(length).toBe(16);
        numbers.push(new DataView(memory.buffer, memory.byteOffset).getBigUint64(offset, true));
      },
      lost: () => {},
    });
    object.program("send_and_discard").testRun({});
    subscription.poll();
    // Once round the ring and on, so that an event lies across its end.
    for (let i = 0; i < 5; i++) {
      send(10_001);
      subscription.poll();
    }
    subscription.close();
    expect(numbers).toEqual(Array.from({ length: 50_007 }, (_, i) => BigInt(i)));
  });

  it("a million of them, none lost, none twice, while the event loop goes on", async () => {
    const total = 1_000_000;
    const burst = 10_000;
    let next = 0;
    let wrong = 0;
    const subscription = object.map("events").raw.subscribe({
      event: (bytes) => {
        const seen = bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16);
        if (seen !== next) wrong++;
        next++;
      },
      lost: () => wrong++,
    });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    for (let sent = 0; sent < total; sent += burst) {
      send(burst);
      // The ring holds 43,690 of them.
      while (number("next") - next > 20_000) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => next === total, "all events arrive");
    clearInterval(timer);
    subscription.close();
    expect(wrong).toBe(0);
    expect(number("dropped")).toBe(0);
    // Timers ran all along: about one for each burst.
    expect(ticks).toBeGreaterThan(20);
  });

  it("wait in the ring while the reader is paused, and are refused when it is full", async () => {
    let count = 0;
    const subscription = object.map("events").raw.subscribe({ event: () => count++, lost: () => {} });
    subscription.pause();
    send(50_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(count).toBe(0);
    expect(number("dropped")).toBeGreaterThan(0);
    subscription.resume();
    await eventually(() => count === number("next"), "the rest arrives");
    subscription.close();
  });

  it("stop an iteration that does not keep up from reading ahead", async () => {
    const stream = object.map("events").events({ highWater: 100 });
    send(1000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let i = 0; i < 1000; i++) {
      const { value } = await stream.next();
      expect((value!.value as { number: bigint }).number).toBe(BigInt(i));
    }
    stream.close();
  });

  it("have one reader at a time", () => {
    const stream = object.map("events").events();
    expect(() => object.map("events").events()).toThrow("has a reader already");
    stream.close();
    object.map("events").events().close();
  });

  it("bytes that are kept after everything is closed do no harm", async () => {
    let kept: Uint8Array | undefined;
    const map = object.map("events");
    const subscription = map.raw.subscribe({ event: (bytes) => (kept = bytes), lost: () => {} });
    send(1);
    subscription.poll();
    subscription.close();
    expect(subscription.poll()).toBe(0);
    object.close();
    expect(kept!.length).toBe(16);
    expect(() => map.events()).toThrow("is closed");
  });

  it("come out of a perf buffer, with losses counted", async () => {
    const events: number[] = [];
    let lost = 0;
    const subscription = object.map("samples").raw.subscribe({
      event: (bytes) => events.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)),
      lost: (count) => {
        lost += count;
      },
    });
    const sample = () => object.program("send_sample").testRun({ data: frame });
    for (let i = 0; i < 10; i++) sample();
    await eventually(() => events.length === 10, "samples arrive");
    expect(events.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    subscription.pause();
    object.program("send_sample").testRun({ data: frame, repeat: 30_000 });
    subscription.resume();
    // The kernel tells of losses with the next event that finds room.
    await eventually(() => events.length > 1000, "what fitted arrives");
    subscription.poll();
    for (let i = 0; i < 64; i++) sample();
    await eventually(() => events.length + lost === 30_074, "all are accounted for");
    expect(lost).toBe(number("dropped"));
    expect(lost).toBeGreaterThan(0);
    subscription.close();
  });

  it("go to programs through a user ring buffer", () => {
    const ring = new UserRing(object.map("commands"));
    const message = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer);
    for (let i = 1n; i <= 100n; i++) expect(ring.send(message(i))).toBe(true);
    object.program("receive_commands").testRun({});
    expect([number("received"), number("received_sum")]).toEqual([100, 5050]);
    const room = ring.room;
    let sent = 0;
    while (ring.send(message(1n))) sent++;
    expect(sent).toBe((room + 8) / 16);
    object.program("receive_commands").testRun({});
    expect(number("received")).toBe(100 + sent);
    expect(() => ring.send(new Uint8Array(1 << 17))).toThrow("does not fit a ring of 65536");
  });
});

describeKernel("a process that reads events", () => {
  const script = (end: string) => `
    import { Linux } from "${new URL("../../dist/index.js", import.meta.url)}";
    import { createMap } from "${new URL("../../../core/dist/index.js", import.meta.url)}";
    const host = await Linux.open();
    const map = host.createMap(createMap({ name: "events", type: "ringbuf", maxEntries: 4096 }));
    map.raw.subscribe({ event() {}, lost() {} });
    ${end}`;

  it("exits when it wants to", () => {
    const run = (end: string) =>
      spawnSync(process.execPath, ["--input-type=module", "-e", script(end)], { timeout: 8000 });
    const { status, stderr } = run("setTimeout(() => process.exit(7), 50);");
    expect([status, stderr.toString()]).toEqual([7, ""]);
    expect(run('setTimeout(() => process.kill(process.pid, "SIGINT"), 50);').signal).toBe("SIGINT");
  });
});
