import { describe, expect, it } from "vitest";
import { Words } from "./words.js";

describe("Words", () => {
  it("takes keywords by any beginning, whole words first", () => {
    expect(new Words(["xla"], "prog dump").take("xlated", "jited")).toBe("xlated");
    expect(new Words(["load"], "prog").take("loadall", "load")).toBe("load");
    expect(new Words(["loada"], "prog").take("load", "loadall")).toBe("loadall");
    expect(new Words(["x"], "prog").take("load")).toBeUndefined();
    expect(new Words([""], "prog").take("load")).toBeUndefined();
  });

  it("says what is missing, wrong or too much", () => {
    expect(() => new Words([], "map dump").next("MAP")).toThrow("map dump: MAP is missing");
    expect(() => new Words(["shw"], "prog").choose("command", ["show", "dump"])).toThrow("did you mean 'show'?");
    expect(() => new Words(["0x1g"], "map").number("id")).toThrow("not '0x1g'");
    expect(() => new Words(["-1"], "map").number("id")).toThrow("not '-1'");
    expect(() => new Words(["4294967296"], "map").number("id")).toThrow("up to 4294967295");
    expect(() => new Words(["opcode"], "prog dump").end("opcodes")).toThrow(
      "one word too many; did you mean 'opcodes'?",
    );
    expect(new Words(["0x10"], "map").number("id")).toBe(16);
  });
});
