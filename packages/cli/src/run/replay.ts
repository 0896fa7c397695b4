import { type ProgramType, verdictName } from "@tsbpf/core/abi";
import { type CapturedPacket, describePacket } from "@tsbpf/core/packet";
import type { Terminal } from "../terminal.js";
import type { PacketOutput } from "./packet-output.js";
import type { PacketOutcome, PacketQueue, PacketRunner } from "./packet-runner.js";
import type { Tally } from "./tally.js";

/** Verdicts with which a packet goes on: up the stack, or back out. */
const onward: ReadonlySet<string> = new Set([
  "XDP_PASS",
  "XDP_TX",
  "TC_ACT_OK",
  "TC_ACT_UNSPEC",
  "TC_ACT_PIPE",
  "TC_ACT_RECLASSIFY",
  "ACCEPT",
]);
const redirecting: ReadonlySet<string> = new Set(["XDP_REDIRECT", "TC_ACT_REDIRECT"]);

/** What is kept of a packet that waits. */
type PacketTime = Pick<CapturedPacket, "seconds" | "nanoseconds" | "length">;

/** What is told of single packets. */
export interface Telling {
  readonly terminal: Terminal;
  /** How many packets are told one by one. */
  readonly each: number;
}

/** Runs packets through a program, counts what becomes of them and writes them where they go. */
export class Replay {
  readonly tally: Tally;
  readonly #type: ProgramType;
  readonly #runner: PacketRunner;
  readonly #output: PacketOutput;
  readonly #telling: Telling;
  /** Names of verdicts by return value: the same few come again for every packet. */
  readonly #names = new Map<number, string>();
  #faultsTold = 0;
  readonly #queue: PacketQueue | undefined;
  /** Of packets in the queue, from {@link #next} on. */
  readonly #waiting: PacketTime[] = [];
  #next = 0;

  constructor(tally: Tally, type: ProgramType, runner: PacketRunner, output: PacketOutput, telling: Telling) {
    this.tally = tally;
    this.#type = type;
    this.#runner = runner;
    this.#output = output;
    this.#telling = telling;
    // Packets are told as they are: then they don't wait.
    this.#queue = telling.each > 0 ? undefined : runner.queue?.((outcome) => this.#count(this.#nextWaiting(), outcome));
  }

  take(packet: CapturedPacket): void {
    if (this.#queue === undefined) {
      this.#count(packet, this.#runner.run(packet));
      return;
    }
    const { seconds, nanoseconds, length } = packet;
    this.#waiting.push({ seconds, nanoseconds, length });
    this.#queue.add(packet);
  }

  /** Runs the packets that wait for others. */
  flush(): void {
    this.#queue?.flush();
  }

  /** @param packet what is known of it still; all of it where packets don't wait. */
  #count(packet: PacketTime & Partial<CapturedPacket>, outcome: PacketOutcome): void {
    const { tally } = this;
    if (outcome.skipped) {
      tally.skipped++;
      return;
    }
    const verdict = this.#verdict(outcome.retval);
    tally.packets++;
    tally.bytes += packet.length;
    tally.verdicts.set(verdict, (tally.verdicts.get(verdict) ?? 0) + 1);
    if (outcome.fault !== undefined) this.#tellFault(outcome.fault);
    if (tally.packets <= this.#telling.each && packet.data !== undefined) this.#tell(packet.data, outcome, verdict);
    if (this.#output.wantsPassed && onward.has(verdict)) this.#output.pass(outcome.packet(), packet);
    else if (this.#output.wantsRedirected && redirecting.has(verdict)) {
      this.#output.redirect(outcome.target ?? "redirected", outcome.packet(), packet);
    }
  }

  #nextWaiting(): PacketTime {
    const packet = this.#waiting[this.#next++]!;
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#next = 0;
    }
    return packet;
  }

  #verdict(retval: number): string {
    let name = this.#names.get(retval);
    if (name === undefined) {
      name = verdictName(this.#type, retval);
      this.#names.set(retval, name);
    }
    return name;
  }

  #tellFault(fault: string): void {
    this.tally.faults++;
    // A program that faults on one packet tends to fault on thousands.
    if (this.#faultsTold++ < 5) this.#telling.terminal.warn(`packet ${this.tally.packets}: ${fault}`);
  }

  #tell(before: Uint8Array, outcome: PacketOutcome, verdict: string): void {
    const { target } = outcome;
    const data = outcome.packet();
    const changed = before.length !== data.length || before.some((byte, at) => byte !== data[at]);
    const where = redirecting.has(verdict) && target !== undefined ? ` to ${target}` : "";
    const { terminal } = this.#telling;
    const number = String(this.tally.packets).padStart(5);
    terminal.print(
      `${number}  ${terminal.style(verdictStyle(verdict), (verdict + where).padEnd(12))}  ${describePacket(before)}`,
    );
    if (changed) terminal.print(`${" ".repeat(5)}  ${"becomes".padStart(12)}  ${describePacket(data)}`);
  }
}

/** The colour of a verdict. */
export function verdictStyle(verdict: string): "green" | "red" | "yellow" | "cyan" {
  if (redirecting.has(verdict) || verdict === "XDP_TX") return "cyan";
  if (onward.has(verdict)) return "green";
  return verdict.includes("UNKNOWN") || verdict === "XDP_ABORTED" ? "yellow" : "red";
}
