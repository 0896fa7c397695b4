import type { LinearMemory } from "../../wasm/index.js";
import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import type { SocketContext } from "../socket-views.js";

const IPV4 = 4;

/** A context that is a struct in linear memory. One object serves one run after the other. */
export class StructContext implements SocketContext {
  readonly address: number;
  readonly size: number;
  packetStart = 0;
  packetEnd = 0;
  /** The socket that it stands for. */
  socket: NetworkSocket | undefined;
  protected readonly runtime: Runtime;

  constructor(runtime: Runtime, size: number) {
    this.runtime = runtime;
    this.size = size;
    this.address = runtime.memory.alloc(size);
  }

  protected get memory(): LinearMemory {
    return this.runtime.memory;
  }

  /** All zeros, for a new run. */
  clear(socket: NetworkSocket | undefined): void {
    this.memory.u8.fill(0, this.address, this.address + this.size);
    this.socket = socket;
    this.packetStart = 0;
    this.packetEnd = 0;
  }

  /** A u32 of the struct. */
  word(offset: number): number {
    return this.memory.u32[(this.address + offset) >> 2]!;
  }

  setWord(offset: number, value: number): void {
    this.memory.u32[(this.address + offset) >> 2] = value;
  }

  /** A 16-bit number in network order. */
  networkPort(offset: number): number {
    return this.memory.view.getUint16(this.address + offset, false);
  }

  setNetworkPort(offset: number, port: number): void {
    this.memory.view.setUint16(this.address + offset, port, false);
  }

  /** `length` bytes of the struct. */
  bytesAt(offset: number, length: number): Uint8Array {
    return this.memory.copy(this.address + offset, length);
  }

  /** An address, which has a place for each version of IP. */
  setAddress(places: { readonly ip4: number; readonly ip6: number }, address: Uint8Array | undefined): void {
    if (address === undefined) return;
    this.memory.u8.set(address, this.address + (address.length === IPV4 ? places.ip4 : places.ip6));
  }

  close(): void {
    this.memory.free(this.address);
  }
}
