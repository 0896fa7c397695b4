import { readdirSync, readFileSync } from "node:fs";
import { type AttachType, type Btf, type Capability, type ProgramType, parseBtf } from "@tsbpf/core";
import { type VerifierInput, type VerifierMap, verify } from "@tsbpf/core/verifier";
import { describe, expect, it } from "vitest";

/**
 * A program on which the verifier once differed from the kernel, with the verdict of Linux 6.18: a line of
 * `verifier-cases/*.jsonl`, written by `npm run fuzz:verifier -- --save`.
 */
interface Case {
  readonly description: string;
  readonly type: ProgramType;
  readonly attachType?: AttachType;
  readonly flags?: number;
  readonly license?: string;
  /** Who loaded it; everything, where absent. */
  readonly capabilities?: readonly Capability[];
  /** Hex. */
  readonly insns: string;
  readonly maps?: readonly CaseMap[];
  /** Slot and type id. */
  readonly functions?: readonly (readonly [number, number])[];
  /** Base64. */
  readonly btf?: string;
  readonly verdict: "accepted" | "rejected";
  readonly message: string;
  readonly processed: number;
  readonly states: number;
}

interface CaseMap {
  readonly fd: number;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly innerFd?: number;
  readonly keyTypeId?: number;
  readonly valueTypeId?: number;
  readonly freeze?: boolean;
  /** The only value, in hex. */
  readonly contents?: string;
}

const folder = new URL("verifier-cases/", import.meta.url);
const fromHex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

function inputOf(one: Case): VerifierInput {
  const btf = one.btf === undefined ? undefined : parseBtf(new Uint8Array(Buffer.from(one.btf, "base64")));
  const maps = new Map<number, VerifierMap>();
  for (const map of one.maps ?? []) maps.set(map.fd, mapOf(map, maps, btf));
  return {
    insns: fromHex(one.insns),
    type: one.type,
    attachType: one.attachType,
    flags: one.flags ?? 0,
    license: one.license ?? "GPL",
    maps,
    btf: one.functions === undefined ? undefined : btf,
    functions: one.functions?.map(([slot, typeId]) => ({ slot, typeId })),
  };
}

function mapOf(map: CaseMap, others: ReadonlyMap<number, VerifierMap>, btf: Btf | undefined): VerifierMap {
  const { type, keySize, valueSize, maxEntries, flags = 0, innerFd, keyTypeId, valueTypeId, freeze, contents } = map;
  return {
    name: "",
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
    inner: innerFd === undefined ? undefined : others.get(innerFd),
    frozen: freeze,
    contents: contents === undefined ? undefined : fromHex(contents),
    ...(valueTypeId === undefined ? {} : { btf, keyTypeId, valueTypeId }),
  };
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".jsonl"))) {
  const cases = readFileSync(new URL(file, folder), "utf8").trimEnd().split("\n");
  describe(`the kernel's verdicts in ${file}`, () => {
    it.each(cases.map((line) => JSON.parse(line) as Case))("$description", (one) => {
      const answer = verify(inputOf(one), { capabilities: one.capabilities });
      const { verdict, processed, totalStates } = answer;
      const message = answer.verdict === "accepted" ? "" : answer.message;
      const { verdict: theirs, message: reason, processed: walked, states } = one;
      expect({ verdict, message, processed, states: totalStates }).toEqual({
        verdict: theirs,
        message: reason,
        processed: walked,
        states,
      });
    });
  });
}
