import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeJson, indentJson, JsonText } from "./json.js";

describe("encodeJson", () => {
  it("writes bigints in full and leaves undefined members out", () => {
    expect(encodeJson({ a: 18446744073709551615n, b: undefined, c: [null, 1.5, "x"] })).toBe(
      '{"a":18446744073709551615,"c":[null,1.5,"x"]}',
    );
  });

  it("lets formatted text stand", () => {
    expect(encodeJson([new JsonText('{"":1,"":2}')])).toBe('[{"":1,"":2}]');
  });

  it("writes what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(encodeJson(value)).toBe(JSON.stringify(value));
      }),
    );
  });
});

describe("indentJson", () => {
  it("lays out as JSON.stringify does", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(indentJson(JSON.stringify(value), "  ")).toBe(JSON.stringify(value, undefined, 2));
      }),
    );
  });
});
