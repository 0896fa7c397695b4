/**
 * A predecoded slot: 16 bytes in linear memory, so that the position of a program is an address and an instruction's
 * parts are loads at constant offsets.
 *
 *     0   operation number (u8)     1   flags (u8)
 *     2   dst * 8 (u8)             3   src * 8 (u8): offsets in the execution area's registers
 *     4   the operation's operand (i32): memory offset, jump distance in bytes of records, helper number ...
 *     8   immediate, extended to 64 bits as the instruction wants it
 */
export const record = { operation: 0, flags: 1, dst: 2, src: 3, operand: 4, immediate: 8 } as const;

/** Bytes of a record. */
export const RECORD_SIZE = 16;

/** Flag: where the access isn't allowed nothing happens, and a load gives 0. */
export const RECORD_GUARDED = 1;
/** Flag: the guarded access is a load. */
export const RECORD_LOADS = 2;
