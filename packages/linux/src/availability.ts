import { createMap, FileDescriptor } from "./sys/index.js";

const ARRAY = 2;
let works = false;

/**
 * Why this process cannot use bpf(2), in a sentence, or undefined when it can. Found out by creating a map, until that
 * works.
 */
export function kernelProblem(): string | undefined {
  if (works) return undefined;
  const problem = findProblem();
  works = problem === undefined;
  return problem;
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
