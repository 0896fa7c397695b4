import { createMap, FileDescriptor } from "./sys/index.js";

const ARRAY = 2;
let known: { readonly problem: string | undefined } | undefined;

/**
 * Why this process cannot use bpf(2), in a sentence, or undefined when it can. Found out once, by creating a map.
 */
export function kernelProblem(): string | undefined {
  known ??= { problem: findProblem() };
  return known.problem;
}

function findProblem(): string | undefined {
  try {
    const fd = createMap({ type: ARRAY, keySize: 4, valueSize: 4, maxEntries: 1 });
    new FileDescriptor(fd, "probe").close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
