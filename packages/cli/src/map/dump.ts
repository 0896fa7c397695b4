import { mapTypeName } from "@tsbpf/core/abi";
import { SyscallError } from "@tsbpf/core/base";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { encodeJson, indentJson } from "../json.js";
import type { Context } from "../live/context.js";
import type { LiveHost, LiveMap } from "../live/live-host.js";
import { btfById } from "../live/object-btf.js";
import { takeMaps } from "../live/select.js";
import { bytesJson, bytesText, EntryFormat } from "./entry-format.js";
import { mapHeadJson, mapHeadText } from "./show.js";

/** Text that is written to the terminal in one go, so that a dump of many entries takes few system calls. */
const CHUNK = 1 << 16;

/** `map dump MAP`: all entries, in memory that does not grow with them. */
export async function dumpMaps(context: Context, words: Words): Promise<void> {
  const maps = await takeMaps(context, words);
  words.end();
  const host = await context.host();
  const out = new Output(context);
  if (context.json) {
    context.beginAnswer();
    if (maps.length > 1) out.write("[");
    for (const [index, map] of maps.entries()) {
      if (index > 0) out.write(",");
      if (maps.length > 1) {
        out.write(`${encodeJson(mapHeadJson(map.details())).slice(0, -1)},"elements":`);
      }
      await dumpJson(out, map, formatOf(host, map));
      if (maps.length > 1) out.write("}");
    }
    out.write(maps.length > 1 ? "]\n" : "\n");
  } else {
    for (const map of maps) {
      if (maps.length > 1) out.write(`${mapHeadText(map.details())}\n`);
      await dumpText(out, map, formatOf(host, map));
    }
  }
  await out.end();
}

/** How a map's entries are written. */
export function formatOf(host: LiveHost, map: LiveMap): EntryFormat {
  const info = map.details();
  return new EntryFormat(info, btfById(host, info.btfId));
}

class Output {
  readonly #context: Context;
  readonly #indent: boolean;
  #text = "";

  constructor(context: Context) {
    this.#context = context;
    // Indented output is laid out as a whole.
    this.#indent = context.session.pretty;
  }

  write(text: string): void {
    this.#text += text;
  }

  /** Is there enough to be worth a system call? */
  get full(): boolean {
    return this.#text.length > CHUNK && !this.#indent;
  }

  async end(): Promise<void> {
    if (this.#indent) this.#text = `${indentJson(this.#text.trimEnd(), "    ")}\n`;
    await this.flush();
  }

  /** What a slow reader has not taken yet would pile up, and Node lets go of the rest only when the event loop goes round. */
  async flush(): Promise<void> {
    const { terminal } = this.#context.session;
    terminal.write(this.#text);
    this.#text = "";
    await terminal.drained?.();
  }
}

/** Entries as they are met; what can't be read (as in perf event arrays) is an Error in the value's place. */
function* entriesOf(map: LiveMap): IterableIterator<[key: Uint8Array, value: Uint8Array | Error]> {
  const type = mapTypeName(map.details().type);
  if (type !== undefined && unreadable.has(type)) {
    for (let key = map.raw.nextKey(); key !== undefined; key = map.raw.nextKey(key)) {
      const value = readValue(map, key);
      if (value !== undefined) yield [key, value];
    }
    return;
  }
  try {
    yield* map.raw.entries();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new CommandError(`a map of type ${type ?? "unknown"} has no entries to walk over`, { cause: error });
  }
}

const unreadable: ReadonlySet<string> = new Set(["perf_event_array", "cgroup_array", "xskmap"]);

function readValue(map: LiveMap, key: Uint8Array): Uint8Array | Error | undefined {
  try {
    return map.raw.lookup(key);
  } catch (error) {
    return error as Error;
  }
}

async function dumpJson(out: Output, map: LiveMap, format: EntryFormat): Promise<void> {
  out.write("[");
  let first = true;
  try {
    for (const [key, value] of entriesOf(map)) {
      if (out.full) await out.flush();
      if (!first) out.write(",");
      first = false;
      if (value instanceof Error)
        out.write(`{"key":${bytesJson(key)},"value":{"error":${JSON.stringify(reason(value))}}}`);
      else out.write(format.json(key, value));
    }
  } finally {
    out.write("]");
  }
}

async function dumpText(out: Output, map: LiveMap, format: EntryFormat): Promise<void> {
  let count = 0;
  let walked = 0;
  if (format.typed) out.write("[");
  for (const [key, value] of entriesOf(map)) {
    if (out.full) await out.flush();
    if (value instanceof Error) out.write(`key:\n${bytesText(key)}\nvalue:\n${reason(value)}\n`);
    else
      out.write(
        format.typed ? `${walked === 0 ? "" : ","}${format.text(key, value, 1)}` : `${format.text(key, value, 0)}\n`,
      );
    if (!(value instanceof Error)) count++;
    walked++;
  }
  if (format.typed) out.write(walked === 0 ? "]\n" : "\n]\n");
  else out.write(`Found ${count} element${count === 1 ? "" : "s"}\n`);
}

/** What an error says, as strerror(3) would. */
function reason(error: Error): string {
  if (!(error instanceof SyscallError)) return error.message;
  return error.errno === 524 ? "Unknown error 524" : error.message;
}
