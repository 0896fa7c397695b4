import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseBtf, readObject } from "@tsbpf/core";
import { expect, it } from "vitest";
import { objectBtf } from "./object-btf.js";

const file = fileURLToPath(new URL("../../../../testdata/objects/subprograms.clang-19.o", import.meta.url));

it("makes hidden functions static, as the verifier has to see them", () => {
  const object = readObject(readFileSync(file));
  const btf = parseBtf(objectBtf(object, () => true)!.bytes);
  const linkage = (name: string) => {
    const [id] = btf.find(name, "func");
    const type = btf.type(id!);
    return type.kind === "func" ? type.linkage : undefined;
  };
  expect(["calls_all", "global", "replaceable", "concealed", "leaf"].map(linkage)).toEqual([
    "global",
    "global",
    "global",
    "static",
    "static",
  ]);
});
