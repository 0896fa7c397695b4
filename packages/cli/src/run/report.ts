import { type FormattedValue, stringifyFormatted } from "@tsbpf/core/btf";
import type { LoadedObject } from "@tsbpf/core/host";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import type { Session } from "../session.js";
import { groupDigits, printTable } from "../table.js";
import { type ReportedEntry, reportMaps } from "./map-report.js";
import type { RunOptions } from "./options.js";
import { verdictStyle } from "./replay.js";
import { nanosecondsPerPacket, rankVerdicts, type Tally } from "./tally.js";

/** Everything that a run ends with. */
export interface RunReport {
  readonly object: ObjectSpec;
  readonly program: ProgramSpec;
  readonly loaded: LoadedObject;
  readonly tally: Tally;
  readonly interrupted: boolean;
  /** What broke off the capture after some packets; undefined where nothing did. */
  readonly failure: unknown;
}

/** The one object of `run --json`. */
export function printRunJson(session: Session, report: RunReport, options: RunOptions): void {
  const { object, program, loaded, tally } = report;
  const maps = [...reportMaps(object, loaded.maps)];
  const members: [string, FormattedValue][] = [
    ["program", JSON.stringify(program.name)],
    ["type", JSON.stringify(program.type)],
    ["engine", JSON.stringify(options.host === "kernel" ? "kernel" : options.engine)],
    ["host", JSON.stringify(options.host)],
    ["packets", String(tally.packets)],
    ["skipped", String(tally.skipped)],
    ["faults", String(tally.faults)],
    ["actions", { members: rankVerdicts(tally).map(([name, packets]) => [name, String(packets)] as const) }],
    ["ns_per_packet", String(nanosecondsPerPacket(tally))],
    ["maps", { members: maps.map(([name, entries]) => [name, { elements: entries.map(entryJson) }] as const) }],
  ];
  if (report.failure instanceof Error) members.push(["error", JSON.stringify(report.failure.message)]);
  session.terminal.print(stringifyFormatted({ members }, { pretty: session.pretty }));
}

function entryJson({ key, value }: ReportedEntry): FormattedValue {
  return {
    members: [
      ["key", key],
      ["value", value],
    ],
  };
}

/** What became of the packets, as a table. */
export function printVerdicts({ terminal }: Session, report: RunReport, options: RunOptions): void {
  const { program, tally } = report;
  const where = options.host === "kernel" ? "the kernel" : `the Machine (${options.engine})`;
  terminal.print(
    `${program.name}, ${program.type}, on ${where}: ${summary(tally)}${report.interrupted ? ", interrupted" : ""}`,
  );
  terminal.print();
  const rows = rankVerdicts(tally).map(([verdict, packets]) => [
    verdict,
    groupDigits(packets),
    `${((100 * packets) / tally.packets).toFixed(1)} %`,
  ]);
  printTable(
    terminal,
    [{ title: "verdict" }, { title: "packets", align: "right" }, { title: "share", align: "right" }],
    rows,
    (verdict) => verdictStyle(verdict),
  );
}

function summary(tally: Tally): string {
  const parts = [`${groupDigits(tally.packets)} packets`, `${groupDigits(tally.bytes)} bytes`];
  if (tally.skipped > 0) parts.push(`${groupDigits(tally.skipped)} too short to be frames`);
  if (tally.faults > 0) parts.push(`${groupDigits(tally.faults)} faults`);
  parts.push(`${nanosecondsPerPacket(tally)} ns a packet`);
  return parts.join(", ");
}

const TOLD_ENTRIES = 50;

/** The maps' entries; of long maps the first ones. */
export function printMaps({ terminal }: Session, { object, loaded }: RunReport): void {
  for (const [name, entries] of reportMaps(object, loaded.maps, { brief: true, network: true })) {
    const { type } = object.maps.get(name)!;
    terminal.print();
    terminal.print(
      `${terminal.style("bold", name)}  ${type}, ${groupDigits(entries.length)} ${entries.length === 1 ? "entry" : "entries"}`,
    );
    for (const { key, value } of entries.slice(0, TOLD_ENTRIES)) {
      terminal.print(`  ${stringifyFormatted(key)}: ${stringifyFormatted(value)}`);
    }
    if (entries.length > TOLD_ENTRIES) terminal.print(`  ... and ${groupDigits(entries.length - TOLD_ENTRIES)} more`);
  }
}
