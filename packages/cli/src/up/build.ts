import { BpfError } from "@tsbpf/core/base";
import type { Machine, Namespace } from "@tsbpf/core/machine";
import { CommandError } from "../command-error.js";
import type { MachineAttachments } from "../live/machine-attachments.js";
import { kindAt, machinePath } from "../live/machine-path.js";
import { readInput, readObjectFile } from "../object-file.js";
import { setVariable } from "../run/map-contents.js";
import type { DevicePlan, LinkPlan, NamespacePlan, ProgramPlan, Topology } from "./topology.js";

/** Makes of a Machine what a topology says. @throws CommandError with the part that could not be made */
export async function buildTopology(
  machine: Machine,
  attachments: MachineAttachments,
  topology: Topology,
): Promise<void> {
  const spaces = new Map<string | undefined, Namespace>([[undefined, machine.network.initial]]);
  for (const plan of topology.namespaces ?? []) spaces.set(plan.name, machine.createNamespace(plan.name));
  for (const plan of topology.devices ?? []) part(plan.ends[0]!.name, () => makeDevice(machine, spaces, plan));
  for (const plan of topology.namespaces ?? []) part(plan.name, () => configure(spaces.get(plan.name)!, plan));
  for (const plan of topology.programs ?? []) await loadPinned(machine, plan);
  for (const plan of topology.links ?? []) part(plan.program, () => link(machine, attachments, plan));
  for (const { capture, device } of topology.replay ?? []) {
    const packets = await readInput(capture);
    part(capture, () => attachments.captureDevice(device).replay(packets));
  }
}

/** Does one part, and names it where it fails. */
function part(name: string, make: () => void): void {
  try {
    make();
  } catch (error) {
    if (error instanceof BpfError) throw new CommandError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function makeDevice(
  machine: Machine,
  spaces: ReadonlyMap<string | undefined, Namespace>,
  { kind, ends, queues }: DevicePlan,
): void {
  const namespaceOf = (name: string | undefined) => {
    const found = spaces.get(name);
    if (found === undefined) throw new CommandError(`there is no namespace '${name}' in the topology`);
    return found;
  };
  const [left, right] = ends.map(({ name, namespace }) => ({
    name,
    namespace: namespaceOf(namespace),
    rxQueues: queues,
  }));
  if (kind === "capture") left!.namespace.createCapture(left!.name, { rxQueues: queues });
  else machine.createVeth(left!, right!);
  for (const { name, namespace, addresses } of ends) {
    for (const address of addresses) namespaceOf(namespace).addAddress(name, address);
  }
}

function configure(namespace: Namespace, { forwarding, routes }: NamespacePlan): void {
  namespace.setForwarding(forwarding);
  for (const { destination, to } of routes) {
    const isDevice = namespace.devices.some(({ name }) => name === to);
    namespace.addRoute(destination, isDevice ? { device: to } : { via: to });
  }
}

async function loadPinned(machine: Machine, { file, pin, set }: ProgramPlan): Promise<void> {
  const folder = machinePath(pin);
  // Its pins may be there from before: then they go on as they were.
  if (kindAt(machine, folder) === "directory") return;
  const object = await readObjectFile(file);
  for (const [name, value] of Object.entries(set)) setVariable(object, `${name}=${value}`);
  const loaded = await machine.load(object);
  try {
    makeFolders(machine, folder);
    // A bpffs takes no dots.
    const place = (name: string) => `${folder}/${name.replaceAll(".", "_")}`;
    for (const [name, program] of Object.entries(loaded.programs)) machine.pin(place(name), program);
    for (const [name, map] of Object.entries(loaded.maps)) machine.pin(place(name), map);
  } finally {
    loaded.close();
  }
}

function makeFolders(machine: Machine, path: string): void {
  const names = path.split("/").filter(Boolean);
  for (let depth = 1; depth <= names.length; depth++) {
    const folder = `/${names.slice(0, depth).join("/")}`;
    if (kindAt(machine, folder) !== "directory") machine.bpffs.mkdir(folder);
  }
}

function link(machine: Machine, attachments: MachineAttachments, { program, hook, device, mode }: LinkPlan): void {
  const handle = machine.openProgram(machinePath(program));
  try {
    if (hook === "xdp") attachments.setXdp(handle, device, mode, false);
    else attachments.attach(handle, hook, { device }, 0);
  } finally {
    handle.close();
  }
}
