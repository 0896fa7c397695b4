/** The value types that generated code uses, as the binary format encodes them. */
export const I32 = 0x7f;
export const I64 = 0x7e;
/** A nullable reference to any function. */
export const FUNCREF = 0x70;

export type ValueType = typeof I32 | typeof I64 | typeof FUNCREF;
