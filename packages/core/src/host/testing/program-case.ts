import { expect, it } from "vitest";
import { helperNumbers, type ProgramType } from "../../abi/index.js";
import { assembleObject } from "../../isa/index.js";
import {
  createProgram,
  type FunctionRecord,
  type MapSpec,
  type ProgramSpec,
  type Reference,
} from "../../spec/index.js";
import type { BpfMap, Host } from "../index.js";
import type { HostUnderTest } from "./host-under-test.js";

/** A program in assembly, what it runs on, and what it has to answer on every host. */
export interface ProgramCase {
  readonly name: string;
  /** Statements that end with r0 set; `exit` follows. r1 is the context, and so is r6. */
  readonly source: string;
  /** r0's low half, signed. */
  readonly retval: number;
  /** The packet; {@link testFrame} by default. */
  readonly data?: Uint8Array;
  readonly context?: Uint8Array;
  readonly flags?: number;
  /** Length of the packet afterwards; as before by default. */
  readonly length?: number;
  /** What has to be at some places of the packet afterwards. */
  readonly bytes?: Readonly<Record<number, readonly number[]>>;
  /** Maps that `map[name]` operands name. */
  readonly maps?: Readonly<Record<string, MapSpec>>;
  /** Before the run. */
  readonly prepare?: (maps: Readonly<Record<string, BpfMap>>) => void;
  /** After it. */
  readonly check?: (result: {
    readonly data: Uint8Array;
    readonly context: Uint8Array;
    readonly maps: Readonly<Record<string, BpfMap>>;
  }) => void;
}

/** An IPv4 frame of 60 bytes whose payload counts up: TCP from 10.0.0.1 to 10.0.0.2, 1000 to 80. */
export const testFrame: Uint8Array = Uint8Array.from([
  ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0],
  ...[0x45, 0, 0, 46, 0, 1, 0x40, 0, 64, 6, 0x26, 0xc6, 10, 0, 0, 1, 10, 0, 0, 2],
  ...[0x03, 0xe8, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 0xff, 0xff, 0x12, 0x34, 0, 0],
  ...[1, 2, 3, 4, 5, 6],
]);

/** What a program is assembled with: its maps by name, and what its spec has other than the defaults. */
export interface AssembleChoices extends Partial<ProgramSpec> {
  readonly maps?: Readonly<Record<string, MapSpec>> | undefined;
}

/** A program spec from assembly; its `map[name]` operands become references. */
export function assembleProgram(type: ProgramType, source: string, choices: AssembleChoices = {}): ProgramSpec {
  const { maps = {}, ...changes } = choices;
  const declared = Object.entries(maps).map(
    ([name, map]) => `.map ${name} ${map.type} ${map.keySize} ${map.valueSize} ${map.maxEntries}\n`,
  );
  const { sections } = assembleObject(declared.join("") + source, { helpers: helperNumbers });
  const code = sections.find((section) => section.code && section.bytes.length > 0)!;
  const references = code.references.map((reference): Reference => {
    const { slot, symbol: map, offset } = reference;
    return reference.kind === "map_value" ? { kind: "map_value", slot, map, offset } : { kind: "map", slot, map };
  });
  const functions = code.functions.map(
    (found): FunctionRecord => ({
      slot: found.slot,
      name: found.slot === 0 ? "contract" : found.name,
      typeId: 0,
      linkage: found.global ? "global" : "static",
    }),
  );
  return createProgram({ name: "contract", type, insns: code.bytes, references, functions, ...changes });
}

/** Registers each case as a test of a program of the given type. */
export function programCases(host: HostUnderTest, type: ProgramType, cases: readonly ProgramCase[]): void {
  for (const each of cases) it(each.name, () => runCase(host(), type, each));
}

async function runCase(host: Host, type: ProgramType, each: ProgramCase): Promise<void> {
  const spec = assembleProgram(type, `r6 = r1\n${each.source}\nexit`, { flags: each.flags ?? 0, maps: each.maps });
  const maps: Record<string, BpfMap> = {};
  for (const [name, map] of Object.entries(each.maps ?? {})) maps[name] = host.createMap(map);
  try {
    each.prepare?.(maps);
    using program = await host.loadProgram(spec, { maps });
    const data = each.data ?? testFrame;
    const result = program.testRun({ data, ...(each.context && { context: each.context }) });
    expect({ retval: result.retval | 0, length: result.data.length }).toEqual({
      retval: each.retval,
      length: each.length ?? data.length,
    });
    for (const [at, bytes] of Object.entries(each.bytes ?? {})) {
      expect([...result.data.subarray(Number(at), Number(at) + bytes.length)], `bytes at ${at}`).toEqual([...bytes]);
    }
    each.check?.({ ...result, maps });
  } finally {
    for (const map of Object.values(maps)) map.close();
  }
}
