import { ByteWriter } from "../../base/index.js";

/** Writes pcapng blocks, for tests of the reader. */
export class PcapngBlocks {
  readonly writer: ByteWriter;
  readonly littleEndian: boolean;

  constructor(littleEndian = true) {
    this.littleEndian = littleEndian;
    this.writer = new ByteWriter({ littleEndian });
  }

  block(type: number, body: Uint8Array): this {
    const length = 12 + Math.ceil(body.length / 4) * 4;
    this.writer.u32(type).u32(length).raw(body).align(4).u32(length);
    return this;
  }

  #body(): ByteWriter {
    return new ByteWriter({ littleEndian: this.littleEndian });
  }

  section(): this {
    return this.block(
      0x0a0d0d0a,
      this.#body()
        .u32(0x1a2b3c4d)
        .u16(1)
        .u16(0)
        .u64(2n ** 64n - 1n)
        .finish(),
    );
  }

  interface(linkType: number, options: { snapLength?: number; resolution?: number; offset?: bigint } = {}): this {
    const body = this.#body()
      .u16(linkType)
      .u16(0)
      .u32(options.snapLength ?? 0);
    body
      .u16(2)
      .u16(4)
      .raw(Uint8Array.of(101, 116, 104, 48));
    if (options.resolution !== undefined) body.u16(9).u16(1).u8(options.resolution).align(4);
    if (options.offset !== undefined) body.u16(14).u16(8).u64(BigInt.asUintN(64, options.offset));
    return this.block(1, body.u32(0).finish());
  }

  packet(index: number, time: bigint, data: Uint8Array, originalLength = data.length): this {
    const body = this.#body()
      .u32(index)
      .u32(Number(time >> 32n))
      .u32(Number(time & 0xffffffffn));
    body
      .u32(data.length)
      .u32(originalLength)
      .raw(data)
      .align(4)
      .u16(1)
      .u16(3)
      .raw(Uint8Array.of(97, 98, 99))
      .align(4);
    return this.block(6, body.u32(0).finish());
  }

  obsoletePacket(index: number, time: bigint, data: Uint8Array): this {
    const body = this.#body()
      .u16(index)
      .u16(0)
      .u32(Number(time >> 32n))
      .u32(Number(time & 0xffffffffn));
    return this.block(2, body.u32(data.length).u32(data.length).raw(data).align(4).finish());
  }

  simplePacket(data: Uint8Array, originalLength = data.length): this {
    return this.block(3, this.#body().u32(originalLength).raw(data).finish());
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.writer.finish();
  }
}
