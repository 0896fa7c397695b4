/** The value types that generated code uses, as the binary format encodes them. */
export const I32 = 0x7f;
export const I64 = 0x7e;
/** A nullable reference to any function. */
export const FUNCREF = 0x70;

/** A type of values, as the binary format writes it. */
export type ValueType = typeof I32 | typeof I64 | typeof FUNCREF;
