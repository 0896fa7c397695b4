import { expect, it } from "vitest";
import { batchLines } from "./lines.js";

it("splits lines into words", () => {
  const text = "prog show # all\n\n  # nothing\nmap lookup name 'a b' \\\n  key json '{\"x\": 1}'\nbtf \"\" show\\";
  expect(batchLines(text)).toEqual([
    { words: ["prog", "show"], line: 1 },
    { words: ["map", "lookup", "name", "a b", "key", "json", '{"x": 1}'], line: 4 },
    { words: ["btf", "", "show"], line: 6 },
  ]);
});

it("names the line of a quote that is not closed", () => {
  expect(() => batchLines("prog show\nmap show name 'x")).toThrow("line 2 of the batch: a ' is not closed");
});
