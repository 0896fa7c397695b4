import { describe, expect, it } from "vitest";
import { type EventSink, EventStream } from "./index.js";

function source() {
  const calls: string[] = [];
  let sink: EventSink | undefined;
  const stream = new EventStream(
    (to) => {
      sink = to;
      const record = (name: string) => () => void calls.push(name);
      return { poll: () => 0, pause: record("pause"), resume: record("resume"), close: record("close") };
    },
    (bytes) => bytes[0]!,
    { highWater: 4 },
  );
  return { calls, stream, send: (value: number, cpu = 0) => sink!.event(Uint8Array.of(value), cpu), sink: () => sink! };
}

describe("EventStream", () => {
  it("gives events in order, those waited for and those that wait", async () => {
    const { stream, send } = source();
    const first = stream.next();
    send(1, 1);
    send(2);
    expect(await first).toEqual({ done: false, value: { value: 1, cpu: 1 } });
    expect((await stream.next()).value?.value).toBe(2);
    send(3);
    send(4);
    expect(stream.drain().map((event) => event.value)).toEqual([3, 4]);
    expect(stream.drain()).toEqual([]);
  });

  it("pauses the source at its mark and resumes it when half is read", async () => {
    const { calls, stream, send } = source();
    for (let value = 0; value < 6; value++) send(value);
    expect(calls).toEqual(["pause"]);
    for (let n = 0; n < 3; n++) await stream.next();
    expect(calls).toEqual(["pause"]);
    await stream.next();
    expect(calls).toEqual(["pause", "resume"]);
    expect((await stream.next()).value?.value).toBe(4);
  });

  it("closes its source when a loop is left, and ends readers that wait", async () => {
    const { calls, stream, send, sink } = source();
    send(1);
    sink().lost(7, 0);
    for await (const event of stream) {
      expect(event.value).toBe(1);
      break;
    }
    stream.close();
    expect(calls).toEqual(["close"]);
    expect(stream.lost).toBe(7);
    const other = source();
    const waiting = other.stream.next();
    other.stream.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
