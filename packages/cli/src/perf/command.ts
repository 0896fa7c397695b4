import { type PerfAttachment, perfAttachments } from "@tsbpf/linux";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import type { ObjectVerb } from "../live/run-object.js";
import { perfGrammar } from "./grammar.js";

export const perf: ObjectVerb = { grammar: perfGrammar, byDefault: "show", commands: { show: showPerf } };

async function showPerf(context: Context, words: Words): Promise<void> {
  words.end();
  await requireKernel(context, "what processes trace");
  await context.host();
  const found = [...perfAttachments()];
  if (context.json) context.answer(found.map(toJson));
  else for (const each of found) context.print(toText(each));
}

function toJson({ pid, fd, programId, kind, name, offset, address }: PerfAttachment): object {
  const head = { pid, fd, prog_id: programId, fd_type: kind };
  if (kind === "raw_tracepoint" || kind === "tracepoint") return { ...head, tracepoint: name };
  if (kind === "uprobe" || kind === "uretprobe") return { ...head, filename: name, offset };
  return name === "" ? { ...head, addr: address, offset } : { ...head, func: name, offset };
}

function toText({ pid, fd, programId, kind, name, offset, address }: PerfAttachment): string {
  const head = `pid ${pid}  fd ${fd}: prog_id ${programId}  ${kind}`;
  if (kind === "raw_tracepoint" || kind === "tracepoint") return `${head}  ${name}`;
  if (kind === "uprobe" || kind === "uretprobe") return `${head}  filename ${name}  offset ${offset}`;
  return name === "" ? `${head}  addr ${address}` : `${head}  func ${name}  offset ${offset}`;
}
