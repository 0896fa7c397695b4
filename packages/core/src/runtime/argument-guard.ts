import type { HelperArgument, HelperPrototype } from "../abi/index.js";
import type { ArgumentGuard } from "./helper-table.js";
import type { Runtime } from "./runtime.js";

/** What the guard must know of a map. Bytes. */
export interface MapSizes {
  readonly keySize: number;
  readonly valueSize: number;
}

/** Bytes of kernel structs that helpers get by pointer, all to be written. */
const structSizes: Partial<Record<HelperArgument["kind"], number>> = {
  spin_lock: 4,
  timer: 16,
  dynptr: 16,
  kptr_xchg_dest: 8,
};

/**
 * A guard by the prototypes of `abi`.
 *
 * @param prototypes of helpers by number; of several variants of one helper the first counts
 * @param mapAt the map whose header is at an address, or undefined
 */
export function createArgumentGuard(
  runtime: Runtime,
  prototypes: Iterable<HelperPrototype>,
  mapAt: (address: number) => MapSizes | undefined,
): ArgumentGuard {
  const byId = new Map<number, HelperPrototype>();
  for (const prototype of prototypes) if (!byId.has(prototype.id)) byId.set(prototype.id, prototype);
  return (id, run) => {
    const prototype = byId.get(id);
    if (prototype === undefined || prototype.args.every(({ kind }) => kind === "anything")) return run;
    return (a1, a2, a3, a4, a5) => {
      checkArguments(runtime, prototype, mapAt);
      return run(a1, a2, a3, a4, a5);
    };
  };
}

function checkArguments(
  runtime: Runtime,
  prototype: HelperPrototype,
  mapAt: (address: number) => MapSizes | undefined,
): void {
  let map: MapSizes | undefined;
  prototype.args.forEach((argument, index) => {
    const register = index + 1;
    const address = runtime.registerLow(register) >>> 0;
    const wide = runtime.registerHigh(register) !== 0;
    const refuse = (what: string): never => runtime.fault(`r${register} of ${prototype.name} ${what}`);
    if (argument.nullable && address === 0 && !wide) return;
    if (argument.kind === "const_map_ptr") {
      map = wide ? undefined : mapAt(address);
      if (map === undefined) refuse("is no map");
      return;
    }
    if (argument.kind === "ctx") {
      if (wide || address !== runtime.run.context.address) refuse("is not the context");
      return;
    }
    const size = sizeOfArgument(runtime, argument, prototype.args[index + 1], register, map);
    if (size === undefined) return;
    const writes =
      argument.kind === "mem" ? !argument.readOnly && (argument.writes ?? argument.uninitialized ?? false) : false;
    const write = writes || structSizes[argument.kind] !== undefined;
    if (wide || !runtime.accessible(address, size, write))
      refuse(`is no memory of ${size} bytes that can be ${write ? "written" : "read"}`);
  });
}

/** Bytes that the helper accesses behind a pointer; undefined for arguments that are no pointers to memory. */
function sizeOfArgument(
  runtime: Runtime,
  argument: HelperArgument,
  next: HelperArgument | undefined,
  register: number,
  map: MapSizes | undefined,
): number | undefined {
  switch (argument.kind) {
    case "map_key":
      return map?.keySize;
    case "map_value":
      return map?.valueSize;
    case "mem":
      if (argument.fixedSize !== undefined) return argument.fixedSize;
      if (next?.kind !== "const_size" && next?.kind !== "const_size_or_zero") return undefined;
      // A size beyond 32 bits is more than any memory.
      return runtime.registerHigh(register + 1) === 0
        ? runtime.registerLow(register + 1) >>> 0
        : Number.POSITIVE_INFINITY;
    case "const_str":
      return 1;
    default:
      return structSizes[argument.kind];
  }
}
