import { ENOENT } from "../abi/index.js";
import type { Btf } from "../btf/index.js";
import type { LiveMap } from "../maps/index.js";
import { BtfObjects } from "./btf-objects.js";
import { failure } from "./failure.js";
import type { LinkObject, LinkOwner, MachineLinkKind } from "./machine-link.js";
import type { MachineProgram } from "./machine-program.js";
import type { MapObject } from "./map-object.js";
import type { ProgramObject } from "./program-object.js";

/** Attachments by netlink, BPF_PROG_ATTACH or a socket option, which are no links of bpf(2). */
const NO_LINK: ReadonlySet<MachineLinkKind> = new Set(["tc", "cgroup_prog", "sockmap", "socket", "reuseport", "lwt"]);

/** The programs, maps, links and types that live in a Machine, by their ids. */
export class LoadedObjects implements LinkOwner {
  readonly maps = new Map<LiveMap, MapObject>();
  readonly types = new BtfObjects();
  readonly #programs = new Map<number, ProgramObject>();
  readonly #links = new Set<LinkObject>();
  #lastProgramId = 0;
  #lastLinkId = 0;

  /** Ids of all programs, ascending. */
  get programIds(): number[] {
    return [...this.#programs.keys()];
  }

  /** Ids of all maps, ascending. */
  get mapIds(): number[] {
    return [...this.maps.values()].map(({ id }) => id).sort((a, b) => a - b);
  }

  /** Ids of all links, ascending; what is no link of bpf(2) has none. */
  get linkIds(): number[] {
    return [...this.#links].map(({ id }) => id).filter((id) => id > 0);
  }

  /** Adds the program that `create` makes with the id and a function that takes it away again. */
  addProgram(create: (id: number, released: () => void) => ProgramObject): ProgramObject {
    const id = ++this.#lastProgramId;
    const object = create(id, () => this.#programs.delete(id));
    this.#programs.set(id, object);
    return object;
  }

  /** @throws SyscallError ENOENT */
  program(id: number): ProgramObject {
    return this.#programs.get(id) ?? missing("PROG", `program ${id}`);
  }

  /** The program whose record lies at an address. */
  programOfRecord(record: number | undefined): ProgramObject | undefined {
    for (const program of this.#programs.values()) if (program.parts.image.record === record) return program;
    return undefined;
  }

  /** @throws SyscallError ENOENT */
  map(id: number): MapObject {
    for (const object of this.maps.values()) if (object.id === id) return object;
    return missing("MAP", `map ${id}`);
  }

  /** @throws SyscallError ENOENT */
  link(id: number): LinkObject {
    if (id !== 0) for (const link of this.#links) if (link.id === id) return link;
    return missing("LINK", `link ${id}`);
  }

  /** @throws SyscallError ENOENT */
  btf(id: number): Btf {
    return (this.types.byId(id) ?? missing("BTF", `BTF object ${id}`)).btf;
  }

  owns(program: MachineProgram): boolean {
    return this.#programs.get(program.id) === program.object;
  }

  linked(link: LinkObject): number {
    this.#links.add(link);
    return NO_LINK.has(link.kind) ? 0 : ++this.#lastLinkId;
  }

  unlinked(link: LinkObject): void {
    this.#links.delete(link);
  }

  /** Ends all links, the last one first. */
  disposeLinks(): void {
    for (const link of [...this.#links].reverse()) link.dispose();
  }
}

function missing(kind: "PROG" | "MAP" | "LINK" | "BTF", what: string): never {
  throw failure(`BPF_${kind}_GET_FD_BY_ID`, ENOENT, `there is no ${what}`);
}
