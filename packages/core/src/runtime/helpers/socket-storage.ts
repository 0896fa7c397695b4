import { ENOENT } from "../../abi/index.js";
import { LocalStorageMap } from "../../maps/index.js";
import type { HelperFamily } from "./definition.js";

const BPF_SK_STORAGE_GET_F_CREATE = 1;

/** Values that hang on sockets. */
export const socketStorageHelpers: HelperFamily = (define, { runtime, maps, sockets }) => {
  define(
    "sk_storage_get",
    "uint",
    (map, pointer, value, flags) => {
      const live = maps.mapAt(map >>> 0);
      const handle = sockets.at(pointer)?.handle;
      if (!(live instanceof LocalStorageMap) || handle === undefined) return 0;
      if ((flags & ~BPF_SK_STORAGE_GET_F_CREATE) !== 0 || runtime.registerHigh(4) !== 0) return 0;
      return live.storageOf(handle, flags === BPF_SK_STORAGE_GET_F_CREATE, value >>> 0);
    },
    { wide: true },
  );
  define("sk_storage_delete", "int", (map, pointer) => {
    const live = maps.mapAt(map >>> 0);
    const handle = sockets.at(pointer)?.handle;
    return live instanceof LocalStorageMap && handle !== undefined ? live.drop(handle) : -ENOENT;
  });
};
