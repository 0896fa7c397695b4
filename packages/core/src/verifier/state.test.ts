import { describe, expect, it } from "vitest";
import { registerAt, slotAt, VALUE } from "./domain/register.js";
import { type Frame, FramePool, State } from "./state.js";

/** A state of some frames with some slots each, of which every word differs from every other frame's. */
function stateOf(pool: FramePool, frames: number, slots: number): State {
  const made: Frame[] = [];
  for (let number = 0; number < frames; number++) {
    const frame = pool.fresh(number, 0, number - 1);
    pool.grow(frame, slots);
    for (let slot = 0; slot < slots; slot++) frame.records[slotAt(slot) + VALUE] = 100 * number + slot;
    made.push(frame);
  }
  return new State(made);
}

/** Takes a checkpoint as the walk does. */
function checkpoint(pool: FramePool, state: State): State {
  const taken = state.checkpoint(pool);
  state.parent = taken;
  return taken;
}

const value = (state: State, frame: number, slot: number) => state.frames[frame]!.records[slotAt(slot) + VALUE];

describe("checkpoints of a path", () => {
  it("have callers' frames in common while these stay the same, and the innermost for themselves", () => {
    const pool = new FramePool();
    const path = stateOf(pool, 3, 4);
    const first = checkpoint(pool, path);
    path.frames[1]!.records[slotAt(2) + VALUE] = 7;
    const second = checkpoint(pool, path);
    const third = checkpoint(pool, path);
    expect(second.frames[0]!.records).toBe(first.frames[0]!.records);
    expect(second.frames[1]!.records).not.toBe(first.frames[1]!.records);
    expect(third.frames[1]!.records).toBe(second.frames[1]!.records);
    expect(third.frames[2]!.records).not.toBe(second.frames[2]!.records);
    expect([value(first, 1, 2), value(second, 1, 2), value(third, 1, 2)]).toEqual([102, 7, 7]);
  });

  it("never have a buffer in common with the path that goes on", () => {
    const pool = new FramePool();
    const path = stateOf(pool, 2, 2);
    const taken = checkpoint(pool, path);
    const other = path.copy(pool);
    path.frames[0]!.records[slotAt(0) + VALUE] = 1;
    other.frames[0]!.records[slotAt(0) + VALUE] = 2;
    expect([value(taken, 0, 0), value(path, 0, 0), value(other, 0, 0)]).toEqual([0, 1, 2]);
  });

  it("part with what they have in common before one is written to", () => {
    const pool = new FramePool();
    const path = stateOf(pool, 2, 3);
    const [first, second, third] = [checkpoint(pool, path), checkpoint(pool, path), checkpoint(pool, path)];
    pool.own(second.frames[0]!);
    second.frames[0]!.records[slotAt(1) + VALUE] = 9;
    expect([value(first, 0, 1), value(second, 0, 1), value(third, 0, 1)]).toEqual([1, 9, 1]);
    expect(third.frames[0]!.records).toBe(first.frames[0]!.records);
    // The last holder writes to the buffer itself.
    third.discard(pool);
    const { records } = first.frames[0]!;
    pool.own(first.frames[0]!);
    expect(first.frames[0]!.records).toBe(records);
  });

  it("give a buffer back once, when the last of them is discarded", () => {
    const pool = new FramePool();
    const path = stateOf(pool, 2, 3);
    const [first, second] = [checkpoint(pool, path), checkpoint(pool, path)];
    const { records } = first.frames[0]!;
    first.discard(pool);
    const taken = [pool.take(3), pool.take(3)];
    expect(taken).not.toContain(records);
    second.discard(pool);
    const later = [pool.take(3), pool.take(3), pool.take(3)];
    expect(later.filter((buffer) => buffer === records)).toHaveLength(1);
  });

  it("take over the way that led to them", () => {
    const pool = new FramePool();
    const path = stateOf(pool, 1, 0);
    path.history.push(5, 4, 0, 0);
    const taken = checkpoint(pool, path);
    path.history.push(9, 8, 1, 2);
    expect([taken.history.length, taken.history.slot(0), taken.history.previous(0)]).toEqual([1, 5, 4]);
    expect([path.history.length, path.history.slot(0), path.history.flags(0), path.history.linked(0)]).toEqual([
      1, 9, 1, 2,
    ]);
    const other = path.copy(pool);
    other.history.amend(0, 4, 3);
    expect([path.history.flags(0), other.history.flags(0), other.history.linked(0)]).toEqual([1, 5, 3]);
  });

  it("grow without losing what they hold", () => {
    const pool = new FramePool();
    const path = stateOf(pool, 1, 8);
    path.frame.records[registerAt(3) + VALUE] = 33;
    pool.grow(path.frame, 64);
    expect([path.frame.records[registerAt(3) + VALUE], value(path, 0, 7), path.frame.bytes(63)]).toEqual([33, 7, 0]);
  });
});
