/**
 * A predecoded slot: 16 bytes in linear memory, so that the position of a program is an address and an instruction's
 * parts are loads at constant offsets.
 *
 *     0   operation number (u16)
 *     2   dst * 8 (u8)             3   src * 8 (u8): offsets in the execution area's registers
 *     4   the operation's operand (i32): memory offset, jump distance in bytes of records, helper number ...
 *     8   immediate, extended to 64 bits as the instruction wants it
 */
export const record = { operation: 0, dst: 2, src: 3, operand: 4, immediate: 8 } as const;

/** Bytes of a record. */
export const RECORD_SIZE = 16;
