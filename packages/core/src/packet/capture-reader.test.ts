import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter, FormatError } from "../base/index.js";
import { CaptureReader, PcapWriter } from "./index.js";
import { PcapngBlocks } from "./testing/pcapng.js";

interface Seen {
  readonly data: number[];
  readonly time: bigint;
  readonly originalLength: number;
  readonly linkType: number;
  readonly interfaceIndex: number;
}

function readAll(file: Uint8Array, chunkLength = file.length): Seen[] {
  const reader = new CaptureReader();
  const seen: Seen[] = [];
  for (let at = 0; at < file.length; at += chunkLength) {
    reader.push(file.subarray(at, at + chunkLength));
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
      const { timestamp: time, originalLength, linkType, interfaceIndex } = packet;
      seen.push({ data: [...packet.data], time, originalLength, linkType, interfaceIndex });
    }
  }
  reader.end();
  return seen;
}

function pcap(littleEndian: boolean, nanosecond: boolean, caplen?: number): Uint8Array {
  const writer = new ByteWriter({ littleEndian })
    .u32(nanosecond ? 0xa1b23c4d : 0xa1b2c3d4)
    .u16(2)
    .u16(4);
  writer.u32(0).u32(0).u32(65535).u32(0xf0000001);
  writer
    .u32(1_700_000_000)
    .u32(123_456)
    .u32(caplen ?? 3)
    .u32(60)
    .raw(Uint8Array.of(1, 2, 3));
  return writer.finish();
}

const mixedSections = new PcapngBlocks()
  .section()
  .block(0xbad, new Uint8Array(20_000))
  .interface(1, { resolution: 9, offset: -1n })
  .interface(113, { resolution: 0x80 | 10, snapLength: 4 })
  .packet(0, 1_700_000_000_123_456_789n, Uint8Array.of(1, 2, 3, 4, 5))
  .packet(1, 1024n * 7n + 512n, Uint8Array.of(9))
  .block(5, new Uint8Array(8))
  .section()
  .interface(276)
  .interface(101, { snapLength: 4 })
  .obsoletePacket(1, 1_700_000_000_000_001n, Uint8Array.of(7, 7))
  .finish();

describe("CaptureReader", () => {
  it("reads pcap in both byte orders and resolutions", () => {
    for (const littleEndian of [true, false]) {
      for (const nanosecond of [true, false]) {
        expect(readAll(pcap(littleEndian, nanosecond))).toEqual([
          {
            data: [1, 2, 3],
            time: 1_700_000_000_000_000_000n + 123_456n * (nanosecond ? 1n : 1000n),
            originalLength: 60,
            linkType: 1,
            interfaceIndex: 0,
          },
        ]);
      }
    }
  });

  it("reads pcapng with several sections, interfaces, resolutions and foreign blocks", () => {
    const seen = readAll(mixedSections);
    expect(seen.map(({ linkType }) => linkType)).toEqual([1, 113, 101]);
    expect(seen.map(({ time }) => time)).toEqual([
      1_699_999_999_123_456_789n,
      7_500_000_000n,
      1_700_000_000_000_001_000n,
    ]);
    expect(seen.map(({ data }) => data)).toEqual([[1, 2, 3, 4, 5], [9], [7, 7]]);
  });

  it("reads big-endian sections and simple packets cut at the snap length", () => {
    const file = new PcapngBlocks(false)
      .section()
      .interface(1, { snapLength: 4 })
      .simplePacket(Uint8Array.of(1, 2, 3, 4), 100)
      .simplePacket(Uint8Array.of(5))
      .finish();
    expect(readAll(file).map(({ data, originalLength }) => [data, originalLength])).toEqual([
      [[1, 2, 3, 4], 100],
      [[5], 1],
    ]);
  });

  it("divides timestamps of any resolution exactly", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.integer({ min: 0, max: 12 }), (time, resolution) => {
        const file = new PcapngBlocks()
          .section()
          .interface(1, { resolution })
          .packet(0, time, new Uint8Array(0))
          .finish();
        const reader = new CaptureReader();
        reader.push(file);
        const packet = reader.next()!;
        const units = 10n ** BigInt(resolution);
        fc.pre(time / units < 2n ** 53n);
        expect(BigInt(packet.seconds)).toBe(time / units);
        expect(BigInt(packet.nanoseconds)).toBe(((time % units) * 1_000_000_000n) / units);
      }),
    );
  });

  it("gives the same packets however the file is cut into chunks", () => {
    const whole = readAll(mixedSections);
    const small = readAll(pcap(true, false));
    for (const length of [1, 2, 3, 5, 7, 11, 12, 13, 31, 64, 1000, 20_037]) {
      expect(readAll(mixedSections, length)).toEqual(whole);
      expect(readAll(pcap(true, false), length)).toEqual(small);
    }
  });

  it("says where a file is damaged", () => {
    const fails = (file: Uint8Array, message: string) => expect(() => readAll(file, 100)).toThrow(message);
    fails(
      pcap(true, false, 0x7fffffff),
      "a packet of 2147483647 bytes is over the limit of 262144 (in pcap at byte 32)",
    );
    fails(
      pcap(true, false).subarray(0, 42),
      "the file ends within a record that began at byte 24 (in pcap at byte 42)",
    );
    fails(new Uint8Array(0), "an empty file is no capture");
    fails(Uint8Array.of(0x1f, 0x8b, 8, 0), "compressed with gzip");
    fails(Uint8Array.of(1, 2, 3, 4, 5), "starts with 0x04030201");
    fails(Uint8Array.of(1, 2), "the file ends within the file's header");
    fails(new PcapngBlocks().section().packet(3, 0n, new Uint8Array(1)).finish(), "interface 3, which isn't described");
    fails(new PcapngBlocks().section().interface(1).block(6, new Uint8Array(8)).finish(), "needs 32 bytes");
    const unequal = new PcapngBlocks().section().finish();
    unequal[24] = 99;
    fails(unequal, "the lengths at a block's start and end differ (in pcapng at byte 24)");
  });

  it("throws nothing but FormatError, whatever it is given", () => {
    const files = [mixedSections.subarray(0, 28), mixedSections.subarray(20_000), pcap(true, false), pcap(false, true)];
    const compact = new PcapngBlocks()
      .section()
      .interface(1, { resolution: 9 })
      .packet(0, 5n, new Uint8Array(40))
      .finish();
    fc.assert(
      fc.property(
        fc.constantFrom(...files, compact),
        fc.array(fc.tuple(fc.nat(200), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff)), { maxLength: 6 }),
        fc.integer({ min: 1, max: 90 }),
        (file, changes, chunkLength) => {
          const mutated = file.slice(0, 4096);
          for (const [at, value] of changes) mutated[at % mutated.length] = value;
          try {
            readAll(mutated, chunkLength);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("wants a chunk read before the next is pushed", () => {
    const reader = new CaptureReader();
    reader.push(pcap(true, false));
    expect(() => reader.push(new Uint8Array(1))).toThrow(RangeError);
  });
});

describe("PcapWriter", () => {
  it("writes what the reader reads", () => {
    for (const nanosecond of [true, false]) {
      const chunks: Uint8Array[] = [];
      const writer = new PcapWriter((chunk) => chunks.push(chunk), { nanosecond, linkType: 101, snapLength: 70_000 });
      const large = new Uint8Array(100_000).fill(5);
      writer.write(Uint8Array.of(1, 2), 17, 999_999_999, 1500);
      writer.write(large, 18, 0);
      writer.end();
      const seen = readAll(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
      expect(seen[0]).toEqual({
        data: [1, 2],
        time: nanosecond ? 17_999_999_999n : 17_999_999_000n,
        originalLength: 1500,
        linkType: 101,
        interfaceIndex: 0,
      });
      expect([seen[1]!.data.length, seen[1]!.originalLength]).toEqual([70_000, 100_000]);
    }
  });

  it("writes a valid file for no packets", () => {
    const chunks: Uint8Array[] = [];
    new PcapWriter((chunk) => chunks.push(chunk)).end();
    expect(chunks.map((chunk) => chunk.length)).toEqual([24]);
    expect(readAll(chunks[0]!)).toEqual([]);
  });
});
