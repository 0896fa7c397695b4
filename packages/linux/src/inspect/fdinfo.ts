import { readFileSync } from "node:fs";

/**
 * What /proc says about an fd of this process, by name: for programs and maps also what `struct bpf_prog_info` and
 * `bpf_map_info` leave out (`memlock`, `frozen`, `owner_prog_type`).
 */
export function fdInfo(fd: number): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/thread-self/fdinfo/${fd}`, "utf8").split("\n");
  return new Map(
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const];
    }),
  );
}

/** A number of {@link fdInfo}, or undefined where the kernel does not say it. */
export function fdNumber(info: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = info.get(name);
  return text === undefined ? undefined : Number(text);
}
