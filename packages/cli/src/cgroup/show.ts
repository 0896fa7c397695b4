import { readdirSync, readFileSync } from "node:fs";
import { cgroupHooks } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import type { LiveHost } from "../live/live-host.js";
import { programName } from "../live/program-name.js";
import { cgroupHookNames } from "./grammar.js";

const attachTypes = cgroupHookNames.map(([type]) => type);
const flagNames = ["", "override", "multi"];

interface AttachedProgram {
  readonly id: number;
  readonly attachType: string;
  /** Undefined where effective programs were asked for. */
  readonly flags: string | undefined;
  readonly name: string;
  readonly attachBtfName: string;
  readonly attachBtfObjectId: number;
  readonly attachBtfId: number;
}

/** `cgroup show CGROUP [effective]` */
export async function showCgroup(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "what is attached to cgroups");
  const path = words.next("CGROUP");
  const effective = takeEffective(words);
  const programs = programsOf(await context.host(), path, effective);
  if (context.json) {
    // bpftool prints an empty line where nothing is attached.
    context.answer(programs.map(toJson));
    return;
  }
  if (programs.length > 0) context.print(titles(effective));
  for (const program of programs) context.print(toText(program, 0));
}

/** `cgroup tree [CGROUP_ROOT] [effective]`: cgroups without programs are left out. */
export async function showTree(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "what is attached to cgroups");
  const isPath = words.left > 0 && !(words.left === 1 && "effective".startsWith(words.peek()!));
  const root = isPath ? words.next("CGROUP_ROOT") : mountPoint();
  const effective = takeEffective(words);
  const host = await context.host();
  const shown: object[] = [];
  if (!context.json) context.print(`CgroupPath\n${titles(effective)}`);
  for (const { path, depth } of walk(root, 0)) {
    const programs = programsOf(host, path, effective);
    if (programs.length === 0) continue;
    if (context.json) {
      shown.push({ cgroup: path, programs: programs.map(toJson) });
    } else {
      context.print(path);
      for (const program of programs) context.print(toText(program, depth === 0 ? 0 : 4));
    }
  }
  if (context.json) context.answer(shown);
}

function takeEffective(words: Words): boolean {
  const effective = words.take("effective") !== undefined;
  words.end("effective");
  return effective;
}

/** Where cgroup v2 is mounted. */
function mountPoint(): string {
  const mounts = readFileSync("/proc/thread-self/mounts", "utf8").split("\n");
  const path = mounts.map((line) => line.split(" ")).find(([, , type]) => type === "cgroup2")?.[1];
  if (path !== undefined) return path;
  throw new CommandError("cgroup v2 is not mounted", { hint: "mount -t cgroup2 none /sys/fs/cgroup" });
}

function* walk(path: string, depth: number): IterableIterator<{ path: string; depth: number }> {
  yield { path, depth };
  for (const entry of subfolders(path)) yield* walk(`${path.replace(/\/$/, "")}/${entry}`, depth + 1);
}

function subfolders(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function programsOf(host: LiveHost, path: string, effective: boolean): AttachedProgram[] {
  return cgroupHooks(path, attachTypes, { effective }).flatMap(({ attachType, programIds, flags }) =>
    programIds.flatMap((id) => {
      const program = host.find("program", id);
      if (program === undefined) return [];
      const info = program.details();
      const name = programName(host, program, info);
      program.close();
      return {
        id,
        attachType,
        flags: flags === undefined ? undefined : (flagNames[flags] ?? `0x${flags.toString(16)}`),
        name,
        attachBtfName: info.attachBtfId === 0 ? "" : targetName(host, info.attachBtfId),
        attachBtfObjectId: info.attachBtfObjectId,
        attachBtfId: info.attachBtfId,
      };
    }),
  );
}

function targetName(host: LiveHost, id: number): string {
  return host.vmlinux().name(id);
}

function toJson(program: AttachedProgram): object {
  return {
    id: program.id,
    attach_type: program.attachType,
    attach_flags: program.flags,
    name: program.name,
    attach_btf_name: program.attachBtfName,
    attach_btf_obj_id: program.attachBtfObjectId,
    attach_btf_id: program.attachBtfId,
  };
}

function titles(effective: boolean): string {
  const flags = effective ? "" : `${"AttachFlags".padEnd(15)} `;
  return `${"ID".padEnd(8)} ${"AttachType".padEnd(15)} ${flags}${"Name".padEnd(15)}`;
}

function toText({ id, attachType, flags, name, attachBtfName }: AttachedProgram, indent: number): string {
  const flag = flags === undefined ? "" : `${flags.padEnd(15)} `;
  const target = attachBtfName === "" ? "" : ` ${attachBtfName}`;
  return `${" ".repeat(indent)}${String(id).padEnd(8)} ${attachType.padEnd(15)} ${flag}${name.padEnd(15)}${target}`;
}
