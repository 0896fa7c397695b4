/**
 * The execution area: everything that one run of a program keeps in linear memory. There is one a CPU and nesting level
 * (a helper of a running program may make another program run). Offsets are bytes from the area's start; numbers are
 * little-endian.
 *
 *        0  r0 to r10, 8 bytes each
 *       88  slots left of the budget (i64)
 *      104  tail calls made (i32)
 *      108  depth (i32): index of the current frame, 0 for the program itself
 *      112  packet: start, end (u32)      120  context: start, end (u32)
 *      128  program record in execution (u32)
 *      132  position (i32): where the program stands when it leaves generated code; the engine says what it means
 *      136  fault: reason (i32), 140 size (i32), 144 address (i64), 152 is a write (i32)
 *      160  access window: start (i64), 168 readable limit (i64), 176 writable limit (i64); see region-check.ts
 *     1024  frames, 1024 bytes each: 512 bytes of stack (r10 points to their end), then the caller's state
 *
 * Wide helpers find their arguments in r1 to r5 and leave their result in r0.
 */
export const area = {
  registers: 0,
  budget: 88,
  tailCalls: 104,
  depth: 108,
  packetStart: 112,
  packetEnd: 116,
  contextStart: 120,
  contextEnd: 124,
  program: 128,
  position: 132,
  faultReason: 136,
  faultSize: 140,
  faultAddress: 144,
  faultWrite: 152,
  windowStart: 160,
  windowReadLimit: 168,
  windowWriteLimit: 176,
  frames: 1024,
} as const;

/** Bytes of one call frame: its stack and the caller's state behind it, which a program's accesses never reach. */
export const FRAME_SIZE = 1024;

/** Bytes of stack a function has (MAX_BPF_STACK). */
export const STACK_SIZE = 512;

/**
 * Frames that bpf-to-bpf calls may nest, the program's own included (MAX_CALL_FRAMES). A program that a function tail calls
 * has as many again: where they don't fit behind the function's frame, it runs on an area of its own.
 */
export const MAX_CALL_FRAMES = 8;

/** Tail calls that a run may make (MAX_TAIL_CALL_CNT). */
export const MAX_TAIL_CALLS = 33;

/** Bytes of an execution area. */
export const AREA_SIZE = area.frames + MAX_CALL_FRAMES * FRAME_SIZE;

/** Areas lie at multiples of this, so that a frame's address masked by it is that of its area. */
export const AREA_ALIGNMENT = 16384;

/** The caller's state within a frame, in bytes from the frame's start; engines that keep it elsewhere don't use it. */
export const frame = {
  /** Where the caller goes on (i32), engine's own meaning; 0 returns from generated code. */
  returnTo: STACK_SIZE,
  /** Program record of the caller (u32). */
  program: STACK_SIZE + 4,
  /** r6 to r9 of the caller. */
  saved: STACK_SIZE + 8,
  /** may_goto's counter of this frame (i32). */
  mayGoto: STACK_SIZE + 40,
  /** Slots left of the budget with which may_goto leaves its loop in this frame (i64). */
  mayGotoFloor: STACK_SIZE + 48,
} as const;
