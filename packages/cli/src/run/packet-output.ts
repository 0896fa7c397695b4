import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type CapturedPacket, PcapWriter } from "@tsbpf/core/packet";
import { CommandError } from "../command-error.js";
import { describeFileError } from "../object-file.js";

type PacketTime = Pick<CapturedPacket, "seconds" | "nanoseconds">;

/** A pcap file that is being written. */
class CaptureFile {
  readonly #fd: number;
  readonly #writer: PcapWriter;

  constructor(path: string) {
    try {
      this.#fd = openSync(path, "w");
    } catch (error) {
      throw new CommandError(describeFileError(path, error), { cause: error });
    }
    const write = (chunk: Uint8Array) => {
      for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at);
    };
    this.#writer = new PcapWriter(write, { nanosecond: true });
  }

  write(data: Uint8Array, packet: PacketTime): void {
    this.#writer.write(data, packet.seconds, packet.nanoseconds);
  }

  close(): void {
    this.#writer.end();
    closeSync(this.#fd);
  }
}

/**
 * Where packets go after the run: `--write` gets those that go on (passed up or sent back out), `--write-redirect` those
 * that are redirected, a file a target.
 */
export class PacketOutput {
  readonly #passed: CaptureFile | undefined;
  readonly #folder: string | undefined;
  readonly #redirected = new Map<string, CaptureFile>();

  constructor(options: { readonly write?: string | undefined; readonly writeRedirect?: string | undefined }) {
    this.#passed = options.write === undefined ? undefined : new CaptureFile(options.write);
    this.#folder = options.writeRedirect;
    if (this.#folder !== undefined) mkdirSync(this.#folder, { recursive: true });
  }

  get wantsPassed(): boolean {
    return this.#passed !== undefined;
  }

  get wantsRedirected(): boolean {
    return this.#folder !== undefined;
  }

  pass(data: Uint8Array, packet: PacketTime): void {
    this.#passed?.write(data, packet);
  }

  redirect(target: string, data: Uint8Array, packet: PacketTime): void {
    if (this.#folder === undefined) return;
    const name = target.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/-+$/, "");
    let file = this.#redirected.get(name);
    if (file === undefined) {
      file = new CaptureFile(join(this.#folder, `${name}.pcap`));
      this.#redirected.set(name, file);
    }
    file.write(data, packet);
  }

  close(): void {
    this.#passed?.close();
    for (const file of this.#redirected.values()) file.close();
  }
}
