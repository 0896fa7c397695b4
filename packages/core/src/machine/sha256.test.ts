import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "./sha256.js";

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

it("sha256 agrees with the platform's", async () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 7);
    expect(sha256(bytes)).toEqual(await digest(bytes));
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      expect(sha256(bytes)).toEqual(await digest(bytes));
    }),
  );
});
