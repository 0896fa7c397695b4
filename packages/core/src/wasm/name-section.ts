import { encodeText } from "../base/index.js";
import { CodeBuffer } from "./code-buffer.js";
import type { FunctionBuilder } from "./function-builder.js";

/**
 * Contents of the custom section `name`, which is where debuggers, profilers and stack traces find what functions and
 * locals are called.
 *
 * @see https://webassembly.github.io/spec/core/appendix/custom.html#name-section
 */
export function encodeNames(
  module: string | undefined,
  importedFunctions: readonly string[],
  functions: readonly FunctionBuilder[],
): Uint8Array {
  const out = new CodeBuffer();
  out.vector(encodeText("name"));
  if (module !== undefined) {
    const body = new CodeBuffer();
    body.vector(encodeText(module));
    out.u8(0);
    out.vector(body.written());
  }

  const names = new CodeBuffer();
  names.u32(importedFunctions.length + functions.length);
  importedFunctions.forEach((name, index) => {
    names.u32(index);
    names.vector(encodeText(name));
  });
  for (const { index, name } of functions) {
    names.u32(index);
    names.vector(encodeText(name));
  }
  out.u8(1);
  out.vector(names.written());

  const locals = new CodeBuffer();
  const named = functions.filter((body) => body.localNames().size > 0);
  locals.u32(named.length);
  for (const body of named) {
    locals.u32(body.index);
    locals.u32(body.localNames().size);
    for (const [index, name] of body.localNames()) {
      locals.u32(index);
      locals.vector(encodeText(name));
    }
  }
  out.u8(2);
  out.vector(locals.written());
  return out.written();
}
