/** One access through a pointer in a register. */
export interface MemoryAccess {
  readonly register: number;
  /** The instruction's offset; the register's own comes on top. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly write: boolean;
  /** Register loaded into or stored from; -1 for none. */
  readonly value: number;
  /** Natural alignment is a must, whatever the program's flags. */
  readonly aligned?: boolean;
  /** A load that extends the sign. */
  readonly signExtends?: boolean;
}
