import { stringifyFormatted } from "@tsbpf/core/btf";
import type { Words } from "../grammar/words.js";
import { JsonText } from "../json.js";
import { formatTime, sinceBoot } from "../live/clock.js";
import type { Context } from "../live/context.js";
import type { LiveHost, LiveProgram } from "../live/live-host.js";
import { pinTable } from "../live/pin-table.js";
import { allOf, takePrograms } from "../live/select.js";
import { programHeadJson, programHeadText } from "./head.js";
import { programMetadata } from "./metadata.js";

/** `prog show [PROG]`: programs, with their figures. */
export async function showPrograms(context: Context, words: Words): Promise<void> {
  const host = await context.host();
  const pinned = await pinTable(context, "program");
  const one = words.left > 0 ? await takePrograms(context, words) : undefined;
  words.end("id", "tag", "name", "pinned");
  const shown: unknown[] = [];
  for await (const program of one ?? allOf(context, "program")) {
    const paths = pinned?.get(program.id);
    if (context.json) shown.push(programJson(host, program, paths));
    else context.print(programText(host, program, paths));
    program.close();
  }
  if (context.json) context.answer(one?.length === 1 ? shown[0] : shown);
}

/** A program as `bpftool -j prog show` has it, key by key. */
export function programJson(host: LiveHost, program: LiveProgram, pinned: readonly string[] | undefined): object {
  const info = program.details();
  const { loadTime, jitedSize, runTimeNs, runCount, recursionMisses } = info;
  const metadata = programMetadata(host, info.mapIds, false);
  return {
    ...programHeadJson(host, program, info),
    ...(runTimeNs === 0n ? {} : { run_time_ns: runTimeNs, run_cnt: runCount }),
    recursion_misses: recursionMisses === 0n ? undefined : recursionMisses,
    ...(loadTime === 0n ? {} : { loaded_at: sinceBoot(host, loadTime), uid: info.createdByUid }),
    bytes_xlated: info.xlatedSize,
    ...(jitedSize === 0 ? { jited: false } : { jited: true, bytes_jited: jitedSize }),
    bytes_memlock: info.memlock,
    map_ids: info.mapIds.length === 0 ? undefined : info.mapIds,
    btf_id: info.btfId || undefined,
    pinned,
    metadata:
      metadata &&
      Object.fromEntries(metadata.map(({ name, value }) => [name, new JsonText(stringifyFormatted(value))])),
  };
}

function programText(host: LiveHost, program: LiveProgram, pinned: readonly string[] = []): string {
  const info = program.details();
  let head = programHeadText(host, program, info);
  if (info.runTimeNs !== 0n) head += ` run_time_ns ${info.runTimeNs} run_cnt ${info.runCount}`;
  if (info.recursionMisses !== 0n) head += ` recursion_misses ${info.recursionMisses}`;
  const lines = [head];
  if (info.loadTime !== 0n) {
    lines.push(`\tloaded_at ${formatTime(sinceBoot(host, info.loadTime))}  uid ${info.createdByUid}`);
  }
  let sizes = `\txlated ${info.xlatedSize}B  ${info.jitedSize === 0 ? "not jited" : `jited ${info.jitedSize}B`}`;
  if (info.memlock !== undefined) sizes += `  memlock ${info.memlock}B`;
  if (info.mapIds.length > 0) sizes += `  map_ids ${info.mapIds.join(",")}`;
  lines.push(sizes, ...pinned.map((path) => `\tpinned ${path}`));
  if (info.btfId !== 0) lines.push(`\tbtf_id ${info.btfId}`);
  const metadata = programMetadata(host, info.mapIds, true);
  if (metadata !== undefined) {
    lines.push("\tmetadata:");
    for (const entry of metadata) {
      lines.push(`\t\t${entry.name} = ${stringifyFormatted(entry.value, { pretty: true, depth: 2 })}`);
    }
  }
  return lines.join("\n");
}
