import type { AttachType, ProgramType } from "../../abi/index.js";
import type { MapSpec } from "../../spec/index.js";
import type { BpfMap, Link, Program } from "../index.js";
import { seenSpec } from "./device-steps.js";
import { closeAfterEach } from "./keeping.js";
import { assembleProgram } from "./program-case.js";
import type { ContractSocket, SocketTestBed } from "./socket-test-bed.js";
import { mapSpec } from "./specs.js";

export const LOOPBACK = "127.0.0.1";
/** Rounds that a test waits for what should come, and for what should not. */
export const PATIENCE = 200;
export const GLANCE = 8;

/** A map of four sockets. */
export const socketMap = (type: MapSpec["type"]): MapSpec =>
  mapSpec(type, { name: "sockets", valueSize: 8, maxEntries: 4 });

type Group = "outer" | "inner";

/** What tests of sockets do; what they make is closed when the test is over. */
export interface SocketSteps {
  readonly bed: () => SocketTestBed;
  keep<T extends { close(): void }>(each: T): T;
  load(
    type: ProgramType,
    attachType: AttachType | undefined,
    source: string,
    maps?: Readonly<Record<string, MapSpec>>,
    live?: Readonly<Record<string, BpfMap>>,
  ): Promise<Program>;
  attach(link: Link): Link;
  socket(protocol: "tcp" | "udp", cgroup?: Group): ContractSocket;
  /** Listens on a port of the loopback address. */
  listener(cgroup?: Group): ContractSocket;
  accepted(from: ContractSocket): Promise<ContractSocket>;
  /** Both ends of a connection over the loopback device, and who listens. */
  connection(
    cgroup?: Group,
  ): Promise<{ readonly client: ContractSocket; readonly server: ContractSocket; readonly service: ContractSocket }>;
  /** What arrives at a socket within `patience` rounds, as text. */
  arrives(at: ContractSocket, patience?: number): Promise<string | undefined>;
  /** A map that programs write what they saw into. */
  seen(): BpfMap;
}

export function socketSteps(bed: () => SocketTestBed): SocketSteps {
  const keep = closeAfterEach();
  const load = async (
    type: ProgramType,
    attachType: AttachType | undefined,
    source: string,
    maps: Readonly<Record<string, MapSpec>> = {},
    live: Readonly<Record<string, BpfMap>> = {},
  ): Promise<Program> =>
    keep(await bed().host.loadProgram({ ...assembleProgram(type, source, { maps }), attachType }, { maps: live }));
  const attach = (link: Link) => keep(link);
  const socket = (protocol: "tcp" | "udp", cgroup?: "outer" | "inner") =>
    keep(bed().within(cgroup, () => bed()[protocol]()));
  const listener = (cgroup?: "outer" | "inner") => {
    const made = socket("tcp", cgroup);
    bed().within(undefined, () => made.bind(LOOPBACK, 0));
    made.listen();
    return made;
  };
  const accepted = async (from: ContractSocket) => {
    let made: ContractSocket | undefined;
    await bed().wait(() => {
      made ??= from.accept();
      return made !== undefined;
    }, PATIENCE);
    return keep(made!);
  };
  const connection = async (cgroup?: "outer" | "inner") => {
    const service = listener();
    const client = socket("tcp", cgroup);
    client.connect(LOOPBACK, service.localPort());
    return { client, server: await accepted(service), service };
  };
  const arrives = async (at: ContractSocket, patience = PATIENCE) => {
    let got: Uint8Array | undefined;
    await bed().wait(() => {
      got = at.receive();
      return got !== undefined;
    }, patience);
    return got === undefined ? undefined : String.fromCharCode(...got);
  };
  const seen = () => keep(bed().host.createMap(seenSpec));
  return { bed, keep, load, attach, socket, listener, accepted, connection, arrives, seen };
}
