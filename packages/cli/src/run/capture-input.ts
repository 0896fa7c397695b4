import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type CapturedPacket, CaptureReader, linkTypeName, linkTypes } from "@tsbpf/core/packet";
import { CommandError } from "../command-error.js";
import { describeFileError } from "../object-file.js";

const CHUNK = 1 << 18;

/** Shortest frame that hooks on Ethernet devices take. */
export const ETHERNET_HEADER = 14;

/** Progress through a capture, told now and then. */
export interface Progress {
  /** Bytes read of {@link total}; total is 0 where it can't be known (a pipe). */
  readonly read: number;
  readonly total: number;
}

/**
 * Hands the packets of a capture to `visit`, in constant memory whatever its size, until it answers false. Between
 * chunks the event loop runs, so that Ctrl-C is heard. `-` is standard input.
 */
export async function readCapture(
  file: string,
  visit: (packet: CapturedPacket) => boolean,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const total = file === "-" ? 0 : await fileSize(file);
  const reader = new CaptureReader();
  const stream = file === "-" ? process.stdin : createReadStream(file, { highWaterMark: CHUNK });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      reader.push(chunk);
      for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
        requireEthernet(file, packet);
        if (!visit(packet)) return;
      }
      onProgress({ read: reader.bytesPushed, total });
    }
    reader.end();
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(describeFileError(file, error), { cause: error });
  } finally {
    if (file !== "-") stream.destroy();
  }
}

function requireEthernet(file: string, packet: CapturedPacket): void {
  if (packet.linkType === linkTypes.ethernet) return;
  throw new CommandError(`${file}: packets of link type ${linkTypeName(packet.linkType) ?? packet.linkType}`, {
    hint: "hooks see Ethernet frames: capture on an Ethernet device (not with -i any)",
  });
}

async function fileSize(file: string): Promise<number> {
  try {
    const stats = await stat(file);
    if (stats.isDirectory()) throw new CommandError(`${file}: is a directory`);
    return stats.isFile() ? stats.size : 0;
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(describeFileError(file, error), { cause: error });
  }
}
