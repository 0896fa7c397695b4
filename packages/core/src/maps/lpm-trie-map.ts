import { ENOENT, ENOMEM } from "../abi/index.js";
import { BpfError } from "../base/index.js";
import type { MapAttributes } from "./attributes.js";
import { PREFIX_LENGTH_BYTES } from "./core/trie-key.js";
import { readKeyBatch } from "./key-batch.js";
import { mapHeader, roundUp8, trieIndex, trieNode } from "./layout.js";
import { type BatchResult, LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import { readBytes, writeBytes } from "./transfer.js";

const CHUNK_BYTES = 65536;
const FIRST_NODES = 16;
const INDEXED_NODES = 8192;

/**
 * Longest prefix match. Keys are a u32 prefix length in bits and data in network byte order.
 * @see https://docs.kernel.org/bpf/map_lpm_trie.html
 */
export class LpmTrieMap extends LiveMap {
  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    const wordBytes = roundUp8(this.keySize - PREFIX_LENGTH_BYTES);
    this.set(mapHeader.VALUE_OFFSET, trieNode.WORDS + wordBytes);
    this.set(mapHeader.STRIDE, trieNode.WORDS + wordBytes + roundUp8(this.valueSize));
    this.set(mapHeader.CPU_STRIDE, wordBytes);
    this.set(mapHeader.STORAGE, this.allocate(wordBytes * core.cpus));
    this.set(mapHeader.RUN, core.runAddress);
  }

  /** Prefixes that are there now. */
  get count(): number {
    return this.field(mapHeader.COUNT);
  }

  override grow(): number {
    const stride = this.field(mapHeader.STRIDE);
    const capacity = this.field(mapHeader.CAPACITY);
    const nodes = Math.max(1, Math.min(Math.max(FIRST_NODES, capacity), Math.floor(CHUNK_BYTES / stride)));
    try {
      const chunk = this.allocate(nodes * stride);
      this.set(mapHeader.FREE, chunk);
      this.expose(chunk, nodes, { stride, offset: this.field(mapHeader.VALUE_OFFSET), size: this.valueSize });
    } catch (error) {
      if (error instanceof BpfError && error.code === "ENOMEM") return ENOMEM;
      throw error;
    }
    this.set(mapHeader.CAPACITY, capacity + nodes);
    this.#createIndex(capacity + nodes);
    return 0;
  }

  /** An index pays from some thousand nodes on. Lookups make it, which only one thread at a time may do. */
  #createIndex(nodes: number): void {
    const indexable = this.keySize === PREFIX_LENGTH_BYTES + 4 || this.keySize === PREFIX_LENGTH_BYTES + 16;
    if (nodes < INDEXED_NODES || !indexable || this.memory.shared || this.field(mapHeader.INDEX) !== 0) return;
    this.set(mapHeader.INDEX_WAIT, 1);
    this.set(mapHeader.INDEX, this.allocate(trieIndex.SIZE * trieIndex.ENTRIES, 64));
  }

  protected override get canBatch() {
    return { update: true, delete: true };
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const scratch = this.core.scratch(this.keySize);
    writeBytes(this.memory, scratch, key, 0, this.keySize);
    const address = this.core.functions.peek_entry(this.address, scratch) >>> 0;
    if (address === 0) return -ENOENT;
    readBytes(this.memory, address, value, 0, this.valueSize);
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const keyRoom = roundUp8(this.keySize);
    const scratch = this.core.scratch(keyRoom + this.valueSize);
    writeBytes(this.memory, scratch, key, 0, this.keySize);
    writeBytes(this.memory, scratch + keyRoom, value, 0, this.valueSize);
    return this.core.functions.update(this.address, scratch, scratch + keyRoom, flags);
  }

  protected deleteEntry(key: Uint8Array): number {
    const scratch = this.core.scratch(this.keySize);
    writeBytes(this.memory, scratch, key, 0, this.keySize);
    return this.core.functions.delete(this.address, scratch);
  }

  protected nextEntry(key: Uint8Array | undefined, next: Uint8Array): number {
    const keyRoom = roundUp8(this.keySize);
    const scratch = this.core.scratch(2 * keyRoom);
    if (key !== undefined) writeBytes(this.memory, scratch, key, 0, this.keySize);
    const error = this.core.functions.next_key(this.address, key === undefined ? 0 : scratch, scratch + keyRoom);
    if (error === 0) readBytes(this.memory, scratch + keyRoom, next, 0, this.keySize);
    return error;
  }

  protected override readBatch(...batch: Parameters<LiveMap["readBatch"]>): BatchResult {
    return readKeyBatch(this, ...batch);
  }
}
