import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedFile } from "../packages/linux/src/testing/shared-folder.ts";

/** A program of the public bpf_conformance suite: bytes are written as hex. */
export interface ConformanceCase {
  readonly case: string;
  readonly isa: string;
  readonly mem: string;
  readonly insns: string;
  readonly result: string;
  readonly error: string;
}

/** What the shared folder has of the suite; nothing where it is missing. */
export interface Conformance {
  readonly cases: readonly ConformanceCase[];
  /** Programs with unused fields that aren't zero. */
  readonly negative: readonly { readonly name: string; readonly insns: string }[];
}

declare module "vitest" {
  interface ProvidedContext {
    conformance: Conformance;
  }
}

/** Read where the tests are started, so that they get it in a browser too. */
export function readConformance(): Conformance {
  const file = sharedFile("conformance/cases.jsonl");
  const folder = sharedFile("conformance/negative");
  if (file === undefined || folder === undefined) return { cases: [], negative: [] };
  const lines = readFileSync(file, "utf8").trim().split("\n");
  const negative = readdirSync(folder)
    .filter((name) => name.startsWith("unused-"))
    .map((name) => {
      const raw = /-- raw\n((?:[0-9a-f ]+\n)+)/.exec(readFileSync(join(folder, name), "utf8"))![1]!;
      return { name, insns: raw.replace(/\s/g, "") };
    });
  return { cases: lines.map((line) => JSON.parse(line) as ConformanceCase), negative };
}
