import { type AttachType, attachTypeName, type Capability, isProgramType, type ProgramType } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import { type Btf, parseBtf } from "@tsbpf/core/btf";

/** A map of a raw job; `fd` is what the lddw immediates name. */
export interface JobMap {
  readonly fd: number;
  /** `BPF_MAP_TYPE_*`. */
  readonly type: number;
  readonly key: number;
  readonly value: number;
  readonly max: number;
  readonly flags?: number;
  /** Type of the value in the job's BTF, 0 for none. */
  readonly btf_value?: number;
}

/** A line of `verify --list`: a program of a file, or raw instructions in hex. */
export interface Job {
  readonly id?: unknown;
  readonly file?: string;
  readonly program?: string;
  readonly flags?: number;
  readonly type?: string;
  readonly kernel?: string;
  readonly capabilities?: readonly Capability[];
  readonly insns?: string;
  readonly prog_type_name?: string;
  readonly expected_attach_type?: number;
  readonly prog_flags?: number;
  readonly maps?: readonly JobMap[];
  readonly btf_types_hex?: string;
  readonly btf_strings_hex?: string;
  readonly func_info?: string;
  readonly attach_btf_id?: number;
}

/** A raw job's program, as both hosts take it. */
export interface RawJob {
  readonly insns: Uint8Array;
  readonly type: ProgramType;
  readonly attachType: AttachType | undefined;
  readonly flags: number;
  readonly maps: readonly JobMap[];
  readonly btf: { readonly bytes: Uint8Array; readonly types: Btf } | undefined;
  /** `struct bpf_func_info` records of 8 bytes. */
  readonly functions: Uint8Array;
  readonly attachBtfId: number | undefined;
}

/** @throws BpfError `"JOB"` saying what is wrong with the line. */
export function parseJob(line: string): Job {
  let job: unknown;
  try {
    job = JSON.parse(line);
  } catch (error) {
    throw new BpfError("JOB", `not JSON: ${(error as Error).message}`);
  }
  if (typeof job !== "object" || job === null || Array.isArray(job))
    throw new BpfError("JOB", "a job is a JSON object");
  return job as Job;
}

/** @throws BpfError `"JOB"`, FormatError for BTF that isn't. */
export function readRawJob(job: Job): RawJob {
  const type = job.prog_type_name ?? job.type ?? "";
  if (!isProgramType(type)) throw new BpfError("JOB", `'${type}' is no program type`);
  const maps = (job.maps ?? []).filter((map) => map.type !== 0);
  return {
    insns: parseHex(job.insns, "insns"),
    type,
    attachType: attachTypeName(job.expected_attach_type ?? 0),
    flags: job.flags ?? job.prog_flags ?? 0,
    maps,
    btf: readBtf(job),
    functions: parseHex(job.func_info ?? "", "func_info"),
    attachBtfId: job.attach_btf_id === 0 ? undefined : job.attach_btf_id,
  };
}

const BTF_HEADER = 24;

/** The job's types and strings behind the header that BTF has. */
function readBtf(job: Job): RawJob["btf"] {
  if (!job.btf_types_hex) return undefined;
  const types = parseHex(job.btf_types_hex, "btf_types_hex");
  const strings = parseHex(job.btf_strings_hex, "btf_strings_hex");
  const bytes = new Uint8Array(BTF_HEADER + types.length + strings.length);
  const header = new DataView(bytes.buffer);
  header.setUint16(0, 0xeb9f, true);
  header.setUint8(2, 1);
  header.setUint32(4, BTF_HEADER, true);
  header.setUint32(12, types.length, true);
  header.setUint32(16, types.length, true);
  header.setUint32(20, strings.length, true);
  bytes.set(types, BTF_HEADER);
  bytes.set(strings, BTF_HEADER + types.length);
  return { bytes, types: parseBtf(bytes) };
}

function parseHex(text: unknown, name: string): Uint8Array {
  if (typeof text !== "string" || text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) {
    throw new BpfError("JOB", `${name} has to be bytes in hex`);
  }
  return new Uint8Array(Buffer.from(text, "hex"));
}
