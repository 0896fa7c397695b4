import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "./sha256.js";

it("sha256 agrees with the platform's", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 7);
    expect(sha256(bytes)).toEqual(new Uint8Array(createHash("sha256").update(bytes).digest()));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(sha256(bytes)).toEqual(new Uint8Array(createHash("sha256").update(bytes).digest()));
    }),
  );
});
