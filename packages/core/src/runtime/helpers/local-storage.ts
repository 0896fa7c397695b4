import { EINVAL } from "../../abi/index.js";
import { LocalStorageMap } from "../../maps/index.js";
import type { HelperFamily } from "./definition.js";

const BPF_LOCAL_STORAGE_GET_F_CREATE = 1;

/** Storage on tasks, inodes and cgroups: an owner is the kernel's object, by its address. */
export const localStorageHelpers: HelperFamily = (define, { runtime, maps }) => {
  const storageAt = (address: number) => {
    const map = maps.mapAt(address >>> 0);
    return map instanceof LocalStorageMap ? map : runtime.fault("the first argument is no local storage");
  };
  for (const kind of ["task", "inode", "cgrp"]) {
    define(
      `${kind}_storage_get`,
      "uint",
      (map, owner, value, flags) => {
        const unknown = (flags & ~BPF_LOCAL_STORAGE_GET_F_CREATE) !== 0 || runtime.registerHigh(4) !== 0;
        if (unknown || owner === 0) return 0;
        return storageAt(map).storageOf(owner >>> 0, flags !== 0, value >>> 0);
      },
      { wide: true },
    );
    define(`${kind}_storage_delete`, "int", (map, owner) => {
      return owner === 0 ? -EINVAL : storageAt(map).drop(owner >>> 0);
    });
  }
};
