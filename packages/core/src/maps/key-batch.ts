import { BPF_F_LOCK, EINVAL, ENOENT, ENOTSUPP } from "../abi/index.js";
import type { BatchResult, LiveMap } from "./live-map.js";

/**
 * A batch lookup that goes from key to key, as the kernel's generic one for arrays, tries and arrays of maps: its token is
 * the last key. Entries that vanish meanwhile are skipped.
 */
export function readKeyBatch(
  map: LiveMap,
  start: Uint8Array | undefined,
  next: Uint8Array,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
  flags: number,
  remove: boolean,
): BatchResult {
  if (remove) return { error: -ENOTSUPP, count };
  if ((flags & ~BPF_F_LOCK) !== 0) return { error: -EINVAL, count };
  if (count === 0) return { error: 0, count };
  const { keySize, transferSize } = map;
  let previous = start;
  const key = new Uint8Array(keySize);
  let done = 0;
  let error = 0;
  while (done < count) {
    error = map.nextKey(previous, key);
    if (error !== 0) break;
    previous = key.slice();
    error = map.lookup(key, values.subarray(done * transferSize, (done + 1) * transferSize), flags);
    if (error === -ENOENT) continue;
    if (error !== 0) break;
    keys.set(key, done * keySize);
    done++;
  }
  if (done > 0) next.set(keys.subarray((done - 1) * keySize, done * keySize));
  return { error, count: done };
}
