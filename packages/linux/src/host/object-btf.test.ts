import { readdirSync, readFileSync } from "node:fs";
import type { BtfKind } from "@tsbpf/core";
import { parseBtf } from "@tsbpf/core/btf";
import { readObject } from "@tsbpf/core/object";
import { expect, it } from "vitest";
import { FileDescriptor, loadBtf } from "../sys/index.js";
import { describeKernel } from "../testing/kernel.js";
import type { Feature } from "./features.js";
import { objectBtf } from "./object-btf.js";

const root = new URL("../../../../testdata/", import.meta.url);
const objects = ["kernel", "objects", "core"].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(".o"))
    .map((name) => `${folder}/${name}`),
);

/** Kinds that come with each feature; a kernel without it must not be shown them. */
const kindsOf: Partial<Record<Feature, readonly BtfKind[]>> = {
  btfFunctions: ["func", "func_proto"],
  btfDatasec: ["var", "datasec"],
  btfFloat: ["float"],
  btfDeclTags: ["decl_tag"],
  btfTypeTags: ["type_tag"],
  btfEnum64: ["enum64"],
};

describeKernel("an object's BTF", () => {
  for (const name of objects) {
    const object = readObject(readFileSync(new URL(name, root)), { name });
    if (object.btf === undefined || object.byteOrder === "big") continue;
    it(`of ${name} is taken by the kernel, as it is and for older ones`, () => {
      for (const without of [undefined, ...Object.keys(kindsOf)] as (Feature | undefined)[]) {
        const types = objectBtf(object, (feature) => feature !== without)!;
        const { result, log } = loadBtf(types.bytes);
        expect([name, without, result < 0 ? log.slice(-500) : "loaded"]).toEqual([name, without, "loaded"]);
        new FileDescriptor(result, "BTF").close();
        const graph = parseBtf(types.bytes);
        expect(graph.length).toBe(object.btf!.length);
        const hidden = without === undefined ? [] : kindsOf[without]!;
        for (let id = 1; id < graph.length; id++) expect(hidden).not.toContain(graph.kind(id));
      }
    });
  }

  it("is left out for kernels without any", () => {
    const object = readObject(readFileSync(new URL("kernel/loading.bpf.o", root)), { name: "loading" });
    expect(objectBtf(object, () => false)).toBeUndefined();
  });
});

it("makes hidden functions static, as the verifier has to see them", () => {
  const object = readObject(readFileSync(new URL("objects/subprograms.clang-19.o", root)));
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
