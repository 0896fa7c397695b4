import { NotSupportedError } from "../base/index.js";
import { type Btf, parseBtf } from "../btf/index.js";

/** Whose types they are. */
export const kernelTypesOrigin = "Linux 6.18 on x86-64";

// What is used of the platform's streams; their types live in the DOM and Node libraries.
interface ByteStream {
  pipeThrough(transform: object): ByteStream;
}
interface Portable {
  readonly atob: (text: string) => string;
  readonly DecompressionStream?: new (format: "gzip") => object;
  readonly Response: new (
    body: Uint8Array | ByteStream,
  ) => {
    readonly body: ByteStream;
    arrayBuffer(): Promise<ArrayBuffer>;
  };
}

let types: Promise<Btf> | undefined;

/**
 * Types of Linux 6.18 (x86-64): kernel functions that programs call, all tracepoints, LSM hooks, iterators and
 * struct_ops interfaces, the functions that are traced most, per-CPU variables, the structs behind contexts, helpers and
 * maps, and everything that these refer to. Types that no program gets to from there are missing, and so are most
 * functions. Ids are not those of any kernel. Loaded once.
 *
 * @throws NotSupportedError where there is no `DecompressionStream` (it is in Node 18 and in browsers since 2023).
 */
export function loadKernelTypes(): Promise<Btf> {
  types ??= load();
  return types;
}

async function load(): Promise<Btf> {
  const { compressed } = await import("./linux-6.18-x86-64.js");
  const { atob, DecompressionStream, Response } = globalThis as unknown as Portable;
  if (DecompressionStream === undefined) {
    throw new NotSupportedError(
      "DecompressionStream",
      "the kernel types are compressed, and there is no DecompressionStream",
    );
  }
  const bytes = Uint8Array.from(atob(compressed), (character) => character.charCodeAt(0));
  const stream = new Response(bytes).body.pipeThrough(new DecompressionStream("gzip"));
  return parseBtf(new Uint8Array(await new Response(stream).arrayBuffer()));
}
