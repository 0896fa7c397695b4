import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type Capability, isCapability, isKernelVersion } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import type { ObjectSpec } from "@tsbpf/core/spec";
import type { ExitStatus } from "../exit-status.js";
import { chooseProgram, readInput, readObjectFile } from "../object-file.js";
import { type Session, toJson } from "../session.js";
import { statusOf } from "./command.js";
import { type Job, parseJob, readRawJob } from "./job.js";
import { jobInput, namesKernelTypes } from "./job-input.js";
import { describeVerdict, judge, judgeByMachine, versionOf } from "./judge-machine.js";
import { kernelConfigOf } from "./kernel-config.js";
import { loadKernelTypes } from "./kernel-types.js";
import type { FullResult, VerifyOptions, VerifyResult } from "./result.js";

/**
 * `tsbpf verify --list JOBS`: a job a line in, a result a line out, in order. A job that can't be done is a result too, with
 * the verdict `not_reached`.
 */
export async function verifyList(session: Session, list: string, options: VerifyOptions): Promise<ExitStatus> {
  if (list !== "-") await readInput(list);
  const input = list === "-" ? process.stdin : createReadStream(list);
  const verdicts = new Set<VerifyResult["verdict"]>();
  const objects = new ObjectCache();
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === "") continue;
    for (const result of await performJob(line, objects, options)) {
      verdicts.add(result.verdict);
      session.terminal.print(toJson(result));
    }
  }
  return statusOf([...verdicts].map((verdict) => ({ verdict }) as VerifyResult));
}

type ListedResult = VerifyResult & { readonly id?: unknown };

async function performJob(line: string, objects: ObjectCache, options: VerifyOptions): Promise<ListedResult[]> {
  let job: Job = {};
  try {
    job = parseJob(line);
    const results = job.insns === undefined ? await judgeFile(job, objects, options) : [await judgeRaw(job, options)];
    return results.map(({ log: _log, source: _source, ...result }) => withId(job, result));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [withId(job, { ...headOf(job), ...nothing, verdict: "not_reached", message })];
  }
}

function withId({ id }: Job, result: VerifyResult): ListedResult {
  return id === undefined ? result : { id, ...result };
}

const nothing = { insn: null, line: null, processed: null, states: null, verification_us: null };

function headOf(job: Job) {
  return { file: job.file ?? "", program: job.program ?? "", section: "", type: job.prog_type_name ?? job.type ?? "" };
}

/** The last objects read: jobs tend to name one file many times in a row. */
class ObjectCache {
  readonly #objects = new Map<string, ObjectSpec>();

  async read(file: string, type: string | undefined): Promise<ObjectSpec> {
    const key = `${file}\0${type ?? ""}`;
    let object = this.#objects.get(key);
    if (object === undefined) {
      object = await readObjectFile(file, type === undefined ? {} : { type });
      if (this.#objects.size >= 16) this.#objects.clear();
      this.#objects.set(key, object);
    }
    return object;
  }
}

function capabilitiesOf({ capabilities }: Job): readonly Capability[] {
  if (Array.isArray(capabilities) && capabilities.every((each) => typeof each === "string" && isCapability(each))) {
    return capabilities;
  }
  throw new BpfError("JOB", "capabilities is a list of 'bpf', 'perfmon', 'net_admin', 'sys_admin'");
}

/** A job's own `kernel` and `capabilities` go before the command line's. */
function optionsOf(job: Job, given: VerifyOptions): VerifyOptions {
  const { kernel } = job;
  const options = job.capabilities === undefined ? given : { ...given, capabilities: capabilitiesOf(job) };
  if (kernel === undefined) return options;
  if (!isKernelVersion(kernel)) throw new BpfError("JOB", `kernel '${kernel}' is none of 4.19 to 6.18`);
  if (options.host === "kernel") throw new BpfError("JOB", "the running kernel can't answer for another");
  return { ...options, kernel };
}

async function judgeFile(job: Job, objects: ObjectCache, options: VerifyOptions): Promise<FullResult[]> {
  const file = job.file ?? "";
  const object = await objects.read(file, job.type);
  const programs = job.program === undefined ? [...object.programs.values()] : [chooseProgram(object, job.program)];
  const own: VerifyOptions = { ...optionsOf(job, options), ...(job.flags === undefined ? {} : { flags: job.flags }) };
  const byHost = options.host === "kernel" ? (await import("./judge-kernel.js")).judgeByKernel : judgeByMachine;
  const results: FullResult[] = [];
  for (const program of programs) results.push(await byHost(file, object, program, own));
  return results;
}

async function judgeRaw(job: Job, given: VerifyOptions): Promise<FullResult> {
  const options = optionsOf(job, given);
  const raw = readRawJob(job);
  const head = { ...headOf(job), type: raw.type };
  if (options.host === "kernel") {
    const { judgeRawByKernel } = await import("./judge-kernel.js");
    return { ...head, ...(await judgeRawByKernel(raw, options)) };
  }
  const kernel = await loadKernelTypes(options.btf);
  if (kernel.source === "shipped" && namesKernelTypes(raw)) {
    throw new BpfError("JOB", "ids of a kernel's types say nothing without its own: --btf FILE");
  }
  return {
    ...head,
    ...describeVerdict(judge(jobInput(raw, kernel.types), options, await kernelConfigOf(options, kernel))),
    types: kernel.source,
    ...versionOf(options),
  };
}
