import { dirname, resolve } from "node:path";
import { isMap, LineCounter, parseDocument } from "yaml";
import { CommandError } from "../command-error.js";
import { readInput } from "../object-file.js";
import { Reading } from "./reading.js";

/** What a Machine consists of when it is up. All parts may be left out. */
export interface Topology {
  readonly cpus?: number | undefined;
  readonly namespaces?: readonly NamespacePlan[];
  readonly devices?: readonly DevicePlan[];
  readonly programs?: readonly ProgramPlan[];
  readonly links?: readonly LinkPlan[];
  readonly replay?: readonly ReplayPlan[];
}

export interface NamespacePlan {
  readonly name: string;
  /** Whether packets for others are sent on. */
  readonly forwarding: boolean;
  /** Destination (`10.1.0.0/16`, `default`) to gateway address or device. */
  readonly routes: readonly { readonly destination: string; readonly to: string }[];
}

/** A place for a device: `NAME` in the first namespace, or `NAMESPACE/NAME`. */
export interface DevicePlace {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface DevicePlan {
  readonly kind: "veth" | "capture";
  /** Two for a veth pair, one for a capture device. */
  readonly ends: readonly DevicePlace[];
  readonly queues: number;
}

export interface ProgramPlan {
  readonly file: string;
  /** Folder below /sys/fs/bpf that its programs and maps are pinned in. */
  readonly pin: string;
  readonly set: Readonly<Record<string, string>>;
}

export interface LinkPlan {
  /** Pin of the program. */
  readonly program: string;
  readonly hook: "xdp" | "tcx_ingress" | "tcx_egress";
  readonly device: string;
  readonly mode: "native" | "generic" | undefined;
}

export interface ReplayPlan {
  readonly capture: string;
  readonly device: string;
}

const BPFFS = "/sys/fs/bpf";

/** Reads a topology from YAML or JSON. @throws CommandError with the line of the first mistake */
export async function readTopology(file: string): Promise<Topology> {
  const text = new TextDecoder().decode(await readInput(file));
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, maxAliasCount: 0 } as object);
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new CommandError(`${file}:${line}:${col}: ${error.message}`);
  }
  if (document.contents === null) return {};
  const lineOf = (path: readonly (string | number)[]) => {
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      const range = (node as { range?: [number, number, number] } | undefined)?.range;
      if (range) return lines.linePos(range[0]).line;
    }
    return 1;
  };
  if (!isMap(document.contents)) throw new CommandError(`${file}:1: a topology is a mapping: namespaces, devices, ...`);
  const fail = (path: readonly (string | number)[], message: string): never => {
    throw new CommandError(`${file}:${lineOf(path)}: ${message}`);
  };
  return readParts(new Reading(document.toJS({ maxAliasCount: 0 }), [], fail), dirname(resolve(file)));
}

function readParts(root: Reading, folder: string): Topology {
  const parts = root.mapping(["cpus", "namespaces", "devices", "programs", "links", "replay"]);
  const path = (each: Reading | undefined) => resolve(folder, each?.text("a file") ?? "");
  return {
    cpus: parts.cpus?.count("CPUs"),
    namespaces: (parts.namespaces?.entries("namespaces") ?? []).map(([name, each]) => readNamespace(name, each)),
    devices: (parts.devices?.list("devices") ?? []).map(readDevice),
    programs: (parts.programs?.list("programs") ?? []).map((each) => {
      const { file, pin, set } = each.mapping(["file", "pin", "set"], ["file"]);
      const name = file!.text("an object's file").replace(/^.*\//, "").replace(/\..*$/, "");
      const variables = (set?.entries("variables") ?? []).map(([key, value]) => [key, value.scalar()] as const);
      return { file: path(file), pin: pinPath(pin?.text("a path") ?? name), set: Object.fromEntries(variables) };
    }),
    links: (parts.links?.list("links") ?? []).map(readLink),
    replay: (parts.replay?.list("replay") ?? []).map((each) => {
      const { capture, device } = each.mapping(["capture", "device"], ["capture", "device"]);
      return { capture: path(capture), device: device!.text("a device") };
    }),
  };
}

function readNamespace(name: string, reading: Reading): NamespacePlan {
  const { forwarding, routes } = reading.mapping(["forwarding", "routes"]);
  return {
    name,
    forwarding: forwarding?.flag() ?? false,
    routes: (routes?.entries("routes") ?? []).map(([destination, to]) => ({
      destination,
      to: to.text("a gateway or device"),
    })),
  };
}

function readDevice(reading: Reading): DevicePlan {
  const { veth, capture, queues, addresses } = reading.mapping(["veth", "capture", "queues", "addresses"]);
  const one = capture ?? veth;
  if (one === undefined || (capture !== undefined && veth !== undefined)) {
    return reading.fail("a device is a 'veth' or a 'capture'");
  }
  const names = veth === undefined ? [one.text("a device")] : veth.list("ends").map((end) => end.text("a device"));
  if (veth !== undefined && names.length !== 2) return veth.fail("a veth pair has two ends");
  const given =
    addresses?.list("addresses").map((each) => (each.isList ? each.texts() : [each.text("an address")])) ?? [];
  const ofEnd = (index: number) => (veth === undefined ? given.flat() : (given[index] ?? []));
  const ends = names.map((name, index) => ({ ...placeOf(name), addresses: ofEnd(index) }));
  return { kind: veth === undefined ? "capture" : "veth", ends, queues: queues?.count("queues") ?? 1 };
}

function placeOf(name: string): { namespace: string | undefined; name: string } {
  const slash = name.indexOf("/");
  return slash < 0 ? { namespace: undefined, name } : { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
}

function readLink(reading: Reading): LinkPlan {
  const hooks = ["xdp", "tcx_ingress", "tcx_egress"] as const;
  const parts = reading.mapping(["program", "mode", ...hooks], ["program"]);
  const hook = hooks.filter((each) => parts[each] !== undefined);
  if (hook.length !== 1) return reading.fail(`a link has one of ${hooks.join(", ")}`);
  const mode = parts.mode?.oneOf(["native", "generic"] as const);
  return {
    program: pinPath(parts.program!.text("a pinned program")),
    hook: hook[0]!,
    device: parts[hook[0]!]!.text("a device"),
    mode,
  };
}

function pinPath(path: string): string {
  return path.startsWith("/") ? path : `${BPFFS}/${path}`;
}
