import { expect, it } from "vitest";
import type { Terminal } from "../terminal.js";
import { overdrawn, showFrames } from "./frames.js";
import { watchTiming, withoutWatch } from "./watch.js";

function remembering(isTerminal: boolean): { terminal: Terminal; text(): string } {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  const style = (_: unknown, each: string) => each;
  const terminal = { write, print: write, warn: write, style, status: () => {}, columns: 80, rows: 5, isTerminal };
  return { terminal, text: () => text };
}

it("in a pipe frames follow each other", async () => {
  const { terminal, text } = remembering(false);
  let count = 0;
  await showFrames(terminal, { seconds: 0.001, count: 3 }, (frame) => frame.print(`frame ${++count}`));
  expect(text()).toBe("frame 1\nframe 2\nframe 3\n");
});

it("on a terminal a frame goes over the one before, as far as there is room", async () => {
  const { terminal, text } = remembering(true);
  await showFrames(terminal, { seconds: 0.001, count: 1 }, (frame) => frame.write("a\nb\n"));
  expect(text()).toBe("\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
  expect(overdrawn("1\n2\n3\n4\n5\n6\n", 5)).toBe("\x1b[H1\x1b[K\n2\x1b[K\n3\x1b[K\n... 3 more lines\x1b[K\n\x1b[J");
  expect(overdrawn("1\n2\n3\n4\n", 5)).not.toContain("more lines");
});

it("--watch says how often, and is taken out of the command line that is run each time", () => {
  expect(watchTiming({ watch: true })).toEqual({ seconds: 2, count: undefined });
  expect(watchTiming({ watch: "0.5", frames: "3" })).toEqual({ seconds: 0.5, count: 3 });
  for (const wrong of [{ watch: "x" }, { watch: "0" }, { watch: true, frames: "1.5" }] as const) {
    expect(() => watchTiming(wrong)).toThrow(/--watch|--frames/);
  }
  const words = (line: string) => line.split(" ");
  expect(withoutWatch(words("-j prog show --watch 1 --frames 2"), { watch: "1", frames: "2" })).toEqual(
    words("-j prog show"),
  );
  expect(withoutWatch(words("--watch prog show"), { watch: true })).toEqual(words("prog show"));
  expect(withoutWatch(words("prog show --watch=1"), { watch: "1" })).toEqual(words("prog show"));
});
