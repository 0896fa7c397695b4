import { EINVAL, mapTypeId } from "../../abi/index.js";
import { handleSlot, mapHeader } from "../../maps/index.js";
import type { HelperFamily } from "./definition.js";

const PROG_ARRAY = mapTypeId("prog_array");
const SOCKMAP = mapTypeId("sockmap");
const SOCKHASH = mapTypeId("sockhash");
const BLOOM_FILTER = mapTypeId("bloom_filter");

/** Map access from programs, through the map core; and where a tail call leads. */
export const mapHelpers: HelperFamily = (define, { runtime, maps, sockets }) => {
  const { functions } = maps;
  const { memory } = runtime;
  define("map_lookup_elem", "uint", (map, key) => {
    const value = functions.lookup(map, key);
    const type = memory.u32[(map + mapHeader.TYPE) >>> 2]!;
    if (value === 0 || (type !== SOCKMAP && type !== SOCKHASH)) return value;
    const socket = sockets.held(memory.u32[(value + handleSlot.HANDLE) >>> 2]!);
    return socket === undefined ? 0 : sockets.view(socket);
  });
  define("map_update_elem", "int", (map, key, value, flags) => functions.update(map, key, value, flags));
  define("map_delete_elem", "int", (map, key) => functions.delete(map, key));
  define("map_lookup_percpu_elem", "uint", (map, key, cpu) => functions.lookup_percpu(map, key, cpu));
  define("map_push_elem", "int", (map, value, flags) => functions.push(map, value, flags));
  define("map_pop_elem", "int", (map, value) => functions.read(map, value, 1));
  define("map_peek_elem", "int", (map, value) => {
    const isBloom = memory.u32[(map + mapHeader.TYPE) >>> 2] === BLOOM_FILTER;
    return isBloom ? functions.bloom_peek(map, value) : functions.read(map, value, 0);
  });
  define("tail_call", "uint", (_ctx, map, index) => {
    const words = memory.u32;
    const header = map >>> 2;
    if (
      words[header + mapHeader.TYPE / 4] !== PROG_ARRAY ||
      index >>> 0 >= words[header + mapHeader.MAX_ENTRIES / 4]!
    ) {
      return 0;
    }
    const slot = words[header + mapHeader.STORAGE / 4]! + (index >>> 0) * handleSlot.SIZE;
    return words[(slot + handleSlot.HANDLE) >>> 2]!;
  });

  // Where walks leave the addresses of key and value; in arrays the key as well.
  const found = memory.alloc(16);
  runtime.regions.add({
    name: "key of bpf_for_each_map_elem",
    start: found + 8,
    length: 8,
    stride: 8,
    offset: 0,
    size: 4,
    writable: false,
  });
  define(
    "for_each_map_elem",
    "int",
    (map, callback, context) => {
      if (runtime.registerLow(4) !== 0 || runtime.registerHigh(4) !== 0) return -EINVAL;
      let count = 0;
      for (let index = functions.walk(map, 0, found); index !== 0; index = functions.walk(map, index, found)) {
        const words = memory.u32;
        const value = words[(found >>> 2) + 1]!;
        let key = words[found >>> 2]!;
        if (key === 0) {
          key = found + 8;
          words[key >>> 2] = index - 1;
        }
        count++;
        if (runtime.invoke(callback >>> 0, map, key, value, context) !== 0) break;
      }
      return count;
    },
    { wide: true },
  );
};
