/**
 * Scalars with one id hold the same value, so that what a branch says of one holds for the others. With these bits in
 * the id, the scalar is that value plus a constant, which stands in the record's offset; the bit tells whether the
 * addition was in 32 or 64 bits.
 */
export const ADD_CONSTANT_64 = 1 << 30;
export const ADD_CONSTANT_32 = 1 << 29;
export const ADD_CONSTANT = ADD_CONSTANT_64 | ADD_CONSTANT_32;
