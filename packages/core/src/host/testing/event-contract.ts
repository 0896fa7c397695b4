import { describe, expect, it } from "vitest";
import type { HostUnderTest } from "./host-under-test.js";
import { assembleProgram } from "./program-case.js";
import { mapSpec, u64 } from "./specs.js";

const frame = Uint8Array.from({ length: 60 }, (_, at) => at);
const ringSpec = mapSpec("ringbuf", { keySize: 0, valueSize: 0, maxEntries: 4096 });
const perfSpec = mapSpec("perf_event_array", { valueSize: 4, maxEntries: 0 });

const sendToRing = `
  *(u64 *)(r10 - 8) = 77; r1 = map[events]; r2 = r10; r2 += -8; r3 = 8; r4 = 0
  call bpf_ringbuf_output; exit`;
/** 8 bytes of data, then the first 4 bytes of the packet. */
const sendToPerf = `
  *(u64 *)(r10 - 8) = 77; r2 = map[events]; r3 = 0x4ffffffff ll; r4 = r10; r4 += -8; r5 = 8
  call bpf_perf_event_output; exit`;

/** What programs send, and how it is read. */
export function eventContract(host: HostUnderTest): void {
  describe("a ring buffer's events", () => {
    it("are there for who drains, in order", async () => {
      using events = host().createMap(ringSpec);
      const spec = assembleProgram("xdp", sendToRing, { maps: { events: ringSpec } });
      using program = await host().loadProgram(spec, { maps: { events } });
      program.testRun({ data: frame });
      using stream = events.events();
      program.testRun({ data: frame });
      expect(stream.drain().map(({ value }) => value)).toEqual([u64(77), u64(77)]);
      expect(stream.drain()).toEqual([]);
      expect(stream.lost).toBe(0);
    });

    it("arrive where somebody waits", async () => {
      using events = host().createMap(ringSpec);
      const spec = assembleProgram("xdp", sendToRing, { maps: { events: ringSpec } });
      using program = await host().loadProgram(spec, { maps: { events } });
      using stream = events.events();
      const waiting = stream.next();
      program.testRun({ data: frame });
      expect((await waiting).value?.value).toEqual(u64(77));
    });
  });

  describe("a perf event array's events", () => {
    it("need a reader, and carry what of the packet was asked for", async () => {
      using events = host().createMap(perfSpec);
      const spec = assembleProgram("xdp", sendToPerf, { maps: { events: perfSpec } });
      using program = await host().loadProgram(spec, { maps: { events } });
      expect(program.testRun({ data: frame }).retval | 0).toBe(-2);
      {
        using stream = events.events();
        expect(program.testRun({ data: frame }).retval).toBe(0);
        const [event, ...others] = stream.drain();
        expect(others).toEqual([]);
        // 12 bytes behind the record's length word end on 8 bytes.
        expect(event?.value).toEqual(Uint8Array.of(...u64(77), 0, 1, 2, 3));
      }
      expect(program.testRun({ data: frame }).retval | 0).toBe(-2);
    });
  });
}
