/**
 * A range of the linear memory that generated code may access, and how. It consists of equal elements (the values of a
 * map, say); an access must lie in the accessible part of one element, so that running past a value is caught even
 * where the next value follows at once.
 *
 *     start        +offset     +offset+size         +stride                       start+length
 *       | (header)    | accessible |      (rest)       | the next element ...           |
 */
export interface Region {
  /** For messages: `"map blocked"`, `"ring buffer events"`. */
  readonly name: string;
  /** Address of the first element. */
  readonly start: number;
  /** Bytes of all elements. */
  readonly length: number;
  /** Bytes from one element to the next; `length` where there is one. */
  readonly stride: number;
  /** Bytes from an element's start to its accessible part. */
  readonly offset: number;
  /** Bytes of the accessible part. */
  readonly size: number;
  readonly writable: boolean;
  /** A second part of each element, which can only be read: the key beside a value. */
  readonly readable?: { readonly offset: number; readonly size: number } | undefined;
}

/** Where the owner of memory says what of it programs may touch. Regions never overlap. */
export interface RegionRegistry {
  add(region: Region): void;
  /** @throws RangeError when no region starts there. */
  remove(start: number): void;
}
