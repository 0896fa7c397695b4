// A Machine's memory, maps and helpers, in which both engines run the same program from the same state.
import { mapTypeName } from "../../packages/core/dist/abi/index.js";
import { Interpreter } from "../../packages/core/dist/interpreter/index.js";
import { defaultJitSettings, Jit } from "../../packages/core/dist/jit/index.js";
import { removeDeadCode } from "../../packages/core/dist/machine/dead-code.js";
import { Machine } from "../../packages/core/dist/machine/index.js";
import { SkbTestRunner } from "../../packages/core/dist/machine/test-run-skb.js";
import { XdpTestRunner } from "../../packages/core/dist/machine/test-run-xdp.js";
import { createMap } from "../../packages/core/dist/maps/index.js";
import { AREA_SIZE, area, ManualClock, Random, RUN_EXIT } from "../../packages/core/dist/runtime/index.js";
import { mapFd, mapKinds } from "./environment.mjs";
import { dumpMap, fillMap } from "./map-contents.mjs";

const CPUS = 2;
const BUDGET = 200_000;
const LDDW = 0x18;
const constants = Uint8Array.from({ length: 32 }, (_, index) => (index * 37) & 0xff);
const fieldsOf = {
  locked: [{ kind: "spin_lock", offset: 4, size: 4 }],
  lockedArray: [{ kind: "spin_lock", offset: 4, size: 4 }],
  timed: [{ kind: "timer", offset: 8, size: 16 }],
};

/** The ways in which a program runs. All must do the same. */
const modes = {
  interpreter: (world, code) => world.interpreter.prepare({ ...code, verified: true }),
  "interpreter that guards helpers": guarding,
  "checked JIT": (world, code) => world.jit.prepare({ ...code, verified: true, proof: undefined }),
  "unchecked JIT": (world, code) => unchecked(world.jit, code),
  "unchecked JIT without tail calls": (world, code) => unchecked(world.withoutTailCalls, code),
  "unchecked JIT with blinded constants": (world, code) => unchecked(world.hardened, code),
};

/** As if nobody had verified the program; what nobody would have encoded so is left to the other modes. */
function guarding(world, code) {
  try {
    return world.interpreter.prepare({ ...code, verified: false });
  } catch (error) {
    if (error.code !== "INVALID_PROGRAM") throw error;
    return world.interpreter.prepare({ ...code, verified: true });
  }
}

function unchecked(jit, code) {
  const image = jit.prepare({ ...code, verified: true, proof: code.proof });
  if (image.checked) throw new Error("a proved program runs checked");
  return image;
}

/** Maps that a program mentions, by the grammar's names; inner maps before those that hold them. */
export function mapsOf(insns) {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const mentioned = new Set();
  for (let at = 0; at + 8 <= insns.length; at += 8) if (insns[at] === LDDW) mentioned.add(view.getInt32(at + 4, true));
  return Object.keys(mapKinds).filter((name) => mentioned.has(mapFd[name]));
}

export class World {
  #machine;
  #runners;

  constructor(kernelTypes) {
    this.#machine = new Machine({ cpus: CPUS, budget: BUDGET, kernelTypes });
    const { runtime, environment } = this.#machine;
    this.runtime = runtime;
    this.maps = environment.maps;
    this.interpreter = new Interpreter(runtime);
    this.jit = new Jit(runtime, { maps: this.maps });
    this.withoutTailCalls = new Jit(runtime, { maps: this.maps, tailCalls: false });
    this.hardened = new Jit(runtime, { maps: this.maps, settings: { ...defaultJitSettings(), harden: 2 } });
    this.#runners = [new XdpTestRunner(environment), new SkbTestRunner(environment)];
  }

  /**
   * Makes the maps of a program that the verifier accepted, and runs it in all modes. Helpers make some things when they
   * are first called, which putting memory back would undo: then all is done again. `stale` is true where a run leaves
   * such things behind each time, and this world is of no more use.
   */
  run(program, verdict, names, data) {
    return this.#attempt(program, verdict, names, data) ?? this.#attempt(program, verdict, names, data);
  }

  #attempt(program, verdict, names, data) {
    const live = new Map();
    const closing = [];
    try {
      for (const name of names) this.#createMap(name, live, closing);
      const code = this.#code(program, verdict, live);
      const images = Object.entries(modes).map(([mode, prepare]) => [mode, prepare(this, code)]);
      closing.push(...images.map(([, image]) => image));
      const runner = this.#runners.find(({ types }) => types.includes(program.type));
      const start = this.#start(images[0][1]);
      const outcomes = {};
      for (const [mode, image] of images) {
        outcomes[mode] = this.#runImage(program, image, { data, runner, start, names, live });
        this.stale = start.made !== this.#made();
        if (this.stale) return undefined;
      }
      return outcomes;
    } finally {
      for (const each of closing.reverse()) each.close();
    }
  }

  #createMap(name, live, closing) {
    const { innerMap, freeze, type, keySize, valueSize, maxEntries, flags = 0 } = mapKinds[name];
    const inner = innerMap === undefined ? undefined : (live.get(innerMap) ?? this.#createMap(innerMap, live, closing));
    const attributes = { name, type: mapTypeName(type), keySize, valueSize, maxEntries, flags, fields: fieldsOf[name] };
    const map = createMap(this.maps, attributes, { inner });
    closing.push(map);
    live.set(name, map);
    if (freeze) {
      map.update(new Uint8Array(4), constants);
      map.freeze();
    }
    fillMap(name, hostOf(live), CPUS);
    return map;
  }

  #code({ insns, type, attachType, flags }, verdict, live) {
    const code = new Uint8Array(removeDeadCode(insns, verdict.facts.visits));
    const view = new DataView(code.buffer);
    const byFd = new Map([...live].map(([name, map]) => [mapFd[name], map]));
    for (let at = 0; at < code.length; at += 8) {
      if (code[at] !== LDDW) continue;
      const source = code[at + 1] >> 4;
      const map = byFd.get(view.getInt32(at + 4, true));
      if (map !== undefined && (source === 1 || source === 2)) {
        const address = source === 1 ? map.address : map.storage + view.getInt32(at + 12, true);
        view.setUint32(at + 4, address, true);
        view.setUint32(at + 12, 0, true);
      }
      at += 8;
    }
    return { name: "program", insns: code, proof: { verdict, maps: byFd, type, attachType, flags } };
  }

  /** All memory before the first run. Stacks hold the same in all modes. */
  #start(image) {
    const { memory } = this.runtime;
    const run = this.runtime.begin(image);
    this.runtime.end(run);
    memory.u8.fill(0, run.area + area.frames, run.area + AREA_SIZE);
    return { area: run.area, memory: memory.u8.slice(), made: this.#made() };
  }

  /** What was made of memory so far. */
  #made() {
    const { memory, regions } = this.runtime;
    return `${memory.stats.blocks} ${memory.stats.bytes} ${regions.length}`;
  }

  #runImage(program, image, { data, runner, start, names, live }) {
    const { runtime } = this;
    const { environment } = this.#machine;
    runtime.memory.u8.fill(0, start.memory.length);
    runtime.memory.u8.set(start.memory);
    environment.clock = new ManualClock();
    environment.random = new Random();
    const outcome = {};
    const execute = (_runtime, context) => {
      const status = runtime.execute(image, context);
      const result = runtime.result(status);
      outcome.result = status === RUN_EXIT ? `r0 0x${result.r0.toString(16)}` : describe(result);
      outcome.executed = runtime.executed();
      return RUN_EXIT;
    };
    this.maps.enterRun();
    try {
      const spec = { type: program.type, attachType: program.attachType };
      const { retval, data: after } = runner.run({ spec, type: program.type, execute }, { data });
      Object.assign(outcome, { retval, data: Buffer.from(after).toString("hex") });
    } finally {
      this.maps.leaveRun();
    }
    runtime.memory.u8.fill(0, start.area, start.area + AREA_SIZE);
    outcome.memory = runtime.memory.u8.slice();
    outcome.maps = Object.fromEntries(names.map((name) => [name, dumpMap(name, hostOf(live), CPUS)]));
    return outcome;
  }

  close() {
    this.#machine.close();
  }
}

function describe(result) {
  return result.kind === "fault" ? `fault: ${result.fault.message}` : `${result.kind} at slot ${result.slot}`;
}

function hostOf(live) {
  return {
    update: (name, key, value) => live.get(name).update(key, value) === 0,
    lookup(name, key, size) {
      const value = new Uint8Array(size);
      return live.get(name).lookup(key, value) === 0 ? value : undefined;
    },
    next(name, key) {
      const next = new Uint8Array(mapKinds[name].keySize);
      return live.get(name).nextKey(key, next) === 0 ? next : undefined;
    },
    pop(name, size) {
      const value = new Uint8Array(size);
      return live.get(name).lookupAndDelete(new Uint8Array(0), value) === 0 ? value : undefined;
    },
  };
}
