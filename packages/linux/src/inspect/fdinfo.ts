import { lastErrno, libc, NativeBuffer, openReadOnly, syscallError, textOf } from "../sys/index.js";

/** More than the kernel says about an fd, by far; read once more where it is not. */
const USUAL_SIZE = 4096;
let scratch: NativeBuffer | undefined;

/**
 * What /proc says about an fd of this process, by name: for programs and maps also what `struct bpf_prog_info` and
 * `bpf_map_info` leave out (`memlock`, `frozen`, `owner_prog_type`).
 */
export function fdInfo(fd: number): ReadonlyMap<string, string> {
  const lines = readFile(`/proc/thread-self/fdinfo/${fd}`).split("\n");
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const];
    }),
  );
}

/** By the system calls themselves: whoever lists all programs reads hundreds of these. */
function readFile(path: string): string {
  using file = openReadOnly(path);
  scratch ??= new NativeBuffer(USUAL_SIZE);
  let text = "";
  for (;;) {
    const length = libc().read(file.number, scratch.address, scratch.length);
    if (length < 0) throw syscallError(`read of ${path}`, lastErrno());
    if (length === 0) return text;
    text += textOf(scratch.bytes.subarray(0, length));
  }
}

/** A number of {@link fdInfo}, or undefined where the kernel does not say it. */
export function fdNumber(info: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = info.get(name);
  return text === undefined ? undefined : Number(text);
}
