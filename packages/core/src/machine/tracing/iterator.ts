import { EINVAL } from "../../abi/index.js";
import { BpfError, decodeText } from "../../base/index.js";
import type { IterationLink, IteratorOptions, Program } from "../../host/index.js";
import type { MapCore } from "../../maps/index.js";
import {
  type Environment,
  type KernelBytes,
  type KernelValue,
  RUN_EXIT,
  SeqFile,
  TracingContext,
} from "../../runtime/index.js";
import { failure } from "../failure.js";
import { runError } from "../fault-error.js";
import { type LinkObject, MachineLink } from "../machine-link.js";
import { MachineMap } from "../machine-map.js";
import type { EventMemory } from "./arguments.js";

/** What an iterator of a Machine goes over. */
export interface MachineIteratorOptions extends IteratorOptions {
  /**
   * For iterators over what the caller makes up: the members of `struct bpf_iter__TARGET` for each element, without
   * `meta`. Tasks need none: they are those of the Machine.
   */
  readonly elements?: readonly { readonly [member: string]: KernelValue }[] | undefined;
}

/** Maps whose values have addresses that a program can be given. */
const iterable: ReadonlySet<string> = new Set(["hash", "lru_hash", "array"]);

/** What one run of an iterator program gets: a word for each member behind `meta`. */
type Element = readonly bigint[];

/** An iterator in a Machine. */
export class MachineIteratorLink extends MachineLink implements IterationLink {
  readonly #environment: Environment;
  readonly #elements: (memory: EventMemory) => Iterable<Element>;
  #session = 0n;

  /** @internal */
  constructor(object: LinkObject, environment: Environment, elements: (memory: EventMemory) => Iterable<Element>) {
    super(object);
    this.#environment = environment;
    this.#elements = elements;
  }

  /** @throws RunError where the program faults. */
  read(): Uint8Array {
    this.assertOpen("BPF_ITER_CREATE");
    const environment = this.#environment;
    const file = new SeqFile(environment.runtime);
    environment.seqFiles.set(file.address, file);
    const memory: EventMemory = [file];
    try {
      this.#session++;
      let index = 0n;
      for (const element of this.#elements(memory)) this.#show(file, element, index++, memory);
      return file.take();
    } finally {
      environment.seqFiles.delete(file.address);
      for (const each of memory.reverse()) each.close();
    }
  }

  readText(): string {
    return decodeText(this.read());
  }

  #show(file: SeqFile, element: Element, index: bigint, memory: EventMemory): void {
    const { runtime, maps, kernel } = this.#environment;
    file.nextElement();
    const words = new BigUint64Array([BigInt(file.address), this.#session, index]);
    const meta = kernel.createBytes(new Uint8Array(words.buffer));
    const context = new TracingContext(runtime.memory, (element.length + 1) * 8);
    memory.push(meta, context);
    context.setWord(0, BigInt(meta.address));
    element.forEach((word, at) => {
      context.setWord(at + 1, word);
    });
    maps.enterRun();
    const status = this.program.execute(runtime, context);
    maps.leaveRun();
    if (status !== RUN_EXIT) throw runError(runtime, this.program, status);
  }
}

/** A map's elements, then a last call without one. */
export function* mapElements(
  maps: MapCore,
  map: MachineMap,
  memory: EventMemory,
  environment: Environment,
): Iterable<Element> {
  const { live } = map.object;
  const header = BigInt(live.address);
  const scratch = environment.kernel.createBytes(new Uint8Array(16));
  memory.push(scratch);
  const found = scratch.address;
  for (let index = maps.functions.walk(live.address, 0, found); index !== 0; ) {
    const words = maps.memory.u32;
    const value = words[(found >>> 2) + 1]!;
    let key = words[found >>> 2]!;
    if (key === 0) {
      key = found + 8;
      words[key >>> 2] = index - 1;
    }
    yield [header, BigInt(key), BigInt(value)];
    index = maps.functions.walk(live.address, index, found);
  }
  yield [header, 0n, 0n];
}

/** What the caller says that there is, by the members of the iterator's struct; then a last call without an element. */
export function* givenElements(
  target: string,
  elements: readonly { readonly [member: string]: KernelValue }[],
  memory: EventMemory,
  environment: Environment,
): Iterable<Element> {
  const types = environment.kernel.requireTypes();
  const [id] = types.find(`bpf_iter__${target}`, "struct");
  const struct = id === undefined ? undefined : types.type(id);
  if (struct?.kind !== "struct") throw new BpfError("NO_SUCH_TYPE", `the kernel has no iterator over ${target}`);
  for (const element of elements) {
    const owned: KernelBytes[] = [];
    const bytes = environment.kernel.encode(id!, element, owned);
    memory.push(...owned);
    yield [...new BigUint64Array(bytes.buffer)].slice(1);
  }
  yield new Array<bigint>(struct.size / 8 - 1).fill(0n);
}

/** What an iterator program's target is called: `"bpf_map_elem"`. @throws SyscallError EINVAL */
export function iteratorTarget(program: Program): string {
  const target = program.spec.attachTo;
  if (program.type === "tracing" && program.spec.attachType === "trace_iter" && target !== undefined) return target;
  throw failure("BPF_LINK_CREATE", EINVAL, `program '${program.name}' is no iterator`);
}

/** The map that an iterator over elements is limited to. @throws SyscallError EINVAL, EBADF */
export function iteratedMap({ map }: IteratorOptions): MachineMap {
  if (map === undefined) throw failure("BPF_LINK_CREATE", EINVAL, "an iterator over a map's elements needs a map");
  if (!iterable.has(map.info.type))
    throw failure("BPF_LINK_CREATE", EINVAL, `a ${map.info.type} map's elements can't be iterated over`);
  if (map.raw instanceof MachineMap) return map.raw;
  throw new BpfError("NO_SUCH_MAP", `map '${map.name}' is not of this Machine`, { name: map.name });
}
