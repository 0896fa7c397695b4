// Runs programs in the kernel by BPF_PROG_TEST_RUN, with the maps of the environment made anew and filled.
import { bpf, inSandboxNamespace, libc, possibleCpus, runProgram } from "../../packages/linux/dist/sys/index.js";
import { withoutPointerLeaks } from "./capabilities.mjs";
import { mapFd, mapKinds } from "./environment.mjs";
import { askKernel, kernelMap } from "./kernel.mjs";
import { dumpMap, fillMap } from "./map-contents.mjs";

const cpus = possibleCpus();

function attempt(command, attr) {
  try {
    bpf(command, attr);
    return true;
  } catch {
    return false;
  }
}

const host = {
  update: (name, key, value) =>
    attempt("BPF_MAP_UPDATE_ELEM", { map_fd: kernelMap(mapFd[name]), ...(key.length > 0 && { key }), value }),
  lookup(name, key, size) {
    const value = new Uint8Array(size);
    return attempt("BPF_MAP_LOOKUP_ELEM", { map_fd: kernelMap(mapFd[name]), key, value }) ? value : undefined;
  },
  next(name, key) {
    const next = new Uint8Array(mapKinds[name].keySize);
    const attr = { map_fd: kernelMap(mapFd[name]), ...(key && { key }), next_key: next };
    return attempt("BPF_MAP_GET_NEXT_KEY", attr) ? next : undefined;
  },
  pop(name, size) {
    const value = new Uint8Array(size);
    return attempt("BPF_MAP_LOOKUP_AND_DELETE_ELEM", { map_fd: kernelMap(mapFd[name]), value }) ? value : undefined;
  },
};

/**
 * What the kernel makes of a program and a packet; undefined where it refuses the run, or the program because its result
 * rests on addresses.
 */
export function runInKernel(program, names, data) {
  const { accepted, fd } = askKernel(program, { keep: true, newMaps: true, around: withoutPointerLeaks });
  if (!accepted) return undefined;
  try {
    for (const name of names) fillMap(name, host, cpus);
    const result = inSandboxNamespace(() => runProgram(fd, program.type, { data }));
    if (typeof result === "number") return undefined;
    const maps = Object.fromEntries(names.map((name) => [name, dumpMap(name, host, cpus)]));
    return { retval: result.retval, data: Buffer.from(result.data).toString("hex"), maps };
  } finally {
    libc().close(fd);
  }
}
