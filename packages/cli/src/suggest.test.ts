import { expect, it } from "vitest";
import { editDistance, nearest } from "./suggest.js";

it("counts edits", () => {
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("shwo", "show")).toBe(1);
  expect(editDistance("kitten", "sitting")).toBe(3);
});

it("names the nearest choice, and none where all are far", () => {
  const verbs = ["show", "dump", "load", "loadall", "pin"];
  expect(nearest("shw", verbs)).toBe("show");
  expect(nearest("dmup", verbs)).toBe("dump");
  expect(nearest("x", verbs)).toBeUndefined();
  expect(nearest("attach", verbs)).toBeUndefined();
});
