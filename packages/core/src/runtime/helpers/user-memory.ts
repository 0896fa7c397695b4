import { EFAULT, EINVAL, ENOENT, EPERM } from "../../abi/index.js";
import { readString } from "../read-string.js";
import type { HelperFamily } from "./definition.js";

/** What else reaches into user memory, which is the same as the kernel's here; and lookups of types by name. */
export const userMemoryHelpers: HelperFamily = (define, { runtime, kernel }) => {
  const wide = { wide: true };
  define(
    "probe_write_user",
    "int",
    (to, from, size) => {
      const allowed = runtime.registerHigh(1) === 0 && runtime.accessible(to >>> 0, size >>> 0, true);
      if (!allowed) return -EPERM;
      runtime.memory.u8.copyWithin(to >>> 0, from >>> 0, (from >>> 0) + (size >>> 0));
      return 0;
    },
    wide,
  );
  define(
    "copy_from_user_task",
    "int",
    (to, size, from, _task, flags) => {
      const [at, length] = [to >>> 0, size >>> 0];
      if (flags !== 0 || runtime.registerHigh(5) !== 0) return -EINVAL;
      if (length === 0) return 0;
      if (runtime.registerHigh(3) === 0 && runtime.accessible(from >>> 0, length, false)) {
        runtime.memory.u8.copyWithin(at, from >>> 0, (from >>> 0) + length);
        return 0;
      }
      runtime.memory.u8.fill(0, at, at + length);
      return -EFAULT;
    },
    wide,
  );
  define(
    "btf_find_by_name_kind",
    "int",
    (name, size, kind, flags) => {
      if (flags !== 0 || size <= 1) return -EINVAL;
      const bytes = readString(runtime, name >>> 0, size - 1);
      if (bytes === undefined || bytes.length !== size - 1) return -EINVAL;
      const wanted = btfKinds[kind];
      const text = String.fromCharCode(...bytes);
      const [id] = wanted === undefined ? [] : kernel.requireTypes().find(text, wanted);
      return id ?? -ENOENT;
    },
    { needsKernelTypes: true },
  );
};

/** BTF_KIND_*, by number, of those with names. */
const btfKinds: Readonly<
  Record<
    number,
    "int" | "struct" | "union" | "enum" | "fwd" | "typedef" | "func" | "var" | "datasec" | "float" | "enum64"
  >
> = {
  1: "int",
  4: "struct",
  5: "union",
  6: "enum",
  7: "fwd",
  8: "typedef",
  12: "func",
  14: "var",
  15: "datasec",
  16: "float",
  19: "enum64",
};
