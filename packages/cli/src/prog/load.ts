import { parseSectionName } from "@tsbpf/core/abi";
import { BpfMap, type LoadedObject, mapCodecs, type Program } from "@tsbpf/core/host";
import type { ObjectSpec } from "@tsbpf/core/spec";
import { readBtfFile } from "../btf/file.js";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { LiveMap, Loader, Pinnable } from "../live/live-host.js";
import { takeMap } from "../live/select.js";
import { readObjectFile } from "../object-file.js";
import { didYouMean } from "../suggest.js";
import { PinSet } from "./pin-set.js";

/** What `prog load` and `loadall` are told. */
interface LoadWords {
  readonly file: string;
  readonly path: string;
  readonly type: string | undefined;
  /** Maps to use in place of the object's, by name or by their place in it. */
  readonly maps: readonly { readonly which: string | number; readonly map: LiveMap }[];
  readonly pinMaps: string | undefined;
  readonly kernelBtf: string | undefined;
  readonly autoattach: boolean;
}

/** `prog load OBJ PATH ...`: the first program gets the path. */
export async function loadProgram(context: Context, words: Words): Promise<void> {
  await load(context, await takeLoadWords(context, words), false);
}

/** `prog loadall OBJ DIR ...`: every program is pinned in the folder, under its name. All of it happens, or nothing. */
export async function loadAllPrograms(context: Context, words: Words): Promise<void> {
  await load(context, await takeLoadWords(context, words), true);
}

async function takeLoadWords(context: Context, words: Words): Promise<LoadWords> {
  const [file, path] = [words.next("OBJ"), words.next("PATH")];
  let [type, pinMaps, kernelBtf]: (string | undefined)[] = [];
  let autoattach = false;
  const maps: { which: string | number; map: LiveMap }[] = [];
  while (words.left > 0) {
    switch (words.choose("option", ["type", "map", "pinmaps", "kernel_btf", "autoattach"])) {
      case "type":
        type = words.next("TYPE");
        break;
      case "map": {
        const by = words.choose("way of naming a map of the object", ["idx", "name"]);
        const which = by === "idx" ? words.number("IDX") : words.next("NAME");
        maps.push({ which, map: await takeMap(context, words) });
        break;
      }
      case "pinmaps":
        pinMaps = words.next("DIR");
        break;
      case "kernel_btf":
        kernelBtf = words.next("FILE");
        break;
      case "autoattach":
        autoattach = true;
        break;
    }
  }
  return { file, path, type, maps, pinMaps, kernelBtf, autoattach };
}

async function load(context: Context, wanted: LoadWords, all: boolean): Promise<void> {
  const object = await readObjectFile(wanted.file);
  if (wanted.type !== undefined) setType(object, wanted.type);
  if (object.programs.size === 0) throw new CommandError(`${wanted.file} has no programs whose type is known`);
  const host = await context.host();
  if (!context.flags.nomount) host.mountFileSystem(wanted.path);
  const pins = new PinSet(host.folders);
  const byName = host.pinsByName(object).filter((path) => !host.folders.exists(path));
  const loader = await host.loader();
  try {
    const loaded = await loader.load(object, {
      maps: replacedMaps(object, wanted),
      kernelBtf: wanted.kernelBtf === undefined ? undefined : await readBtfFile(wanted.kernelBtf),
    });
    pinPrograms(loader, loaded, wanted, all, pins);
    if (wanted.pinMaps !== undefined) pinMaps(loader, loaded, wanted, pins);
    if (!context.json && context.flags.debug) for (const path of pins.paths) context.print(`pinned ${path}`);
  } catch (error) {
    pins.undo();
    // Maps that the object itself wanted to be pinned, and that were not there before.
    for (const path of byName) pins.remove(path);
    throw error;
  } finally {
    loader.close();
  }
}

/** Gives every program of the object one type, named as a section would name it: `xdp`, `cgroup/bind4` ... */
function setType(object: ObjectSpec, name: string): void {
  const meaning = parseSectionName(name);
  if (meaning === undefined) {
    throw new UsageError(
      `'${name}' is no type of program${didYouMean(name, ["xdp", "tc", "classifier", "kprobe", "socket", "tracepoint"])}`,
    );
  }
  const { type, attachType } = meaning;
  for (const [key, program] of object.untyped) object.programs.set(key, { ...program, type, attachType });
  for (const program of object.programs.values()) Object.assign(program, { type, attachType });
}

function replacedMaps(object: ObjectSpec, { maps }: LoadWords): Record<string, BpfMap> {
  const names = [...object.maps.keys()];
  return Object.fromEntries(
    maps.map(({ which, map }) => {
      const name = typeof which === "number" ? names[which] : which;
      const spec = name === undefined ? undefined : object.maps.get(name);
      if (name === undefined || spec === undefined) {
        throw new CommandError(
          `the object has no map ${typeof which === "number" ? `number ${which}` : `'${which}'`}`,
          {
            hint: `its maps: ${names.join(", ") || "none"}`,
          },
        );
      }
      return [name, new BpfMap(map.raw, mapCodecs(spec, object.btf))];
    }),
  );
}

function pinPrograms(loader: Loader, loaded: LoadedObject, wanted: LoadWords, all: boolean, pins: PinSet): void {
  const programs = Object.entries(loaded.programs);
  if (programs.length === 0) throw new CommandError(`${wanted.file} has no programs that are loaded by themselves`);
  if (!all) {
    const [, first] = programs[0]!;
    pins.pin(toPin(loader, first, wanted), wanted.path);
    return;
  }
  for (const [name, program] of programs) pins.pin(toPin(loader, program, wanted), `${wanted.path}/${fileName(name)}`);
}

/** The program, or with `autoattach` its link where it says by itself what it attaches to. */
function toPin(loader: Loader, program: Program, { autoattach }: LoadWords): Pinnable {
  const link = autoattach ? loader.attachByItself(program) : undefined;
  return link ?? loader.pinnable(program);
}

function pinMaps(loader: Loader, loaded: LoadedObject, wanted: LoadWords, pins: PinSet): void {
  for (const [name, map] of Object.entries(loaded.maps)) {
    // Global data is pinned under the name that the kernel has for it: `filter_bss`.
    const own = name.startsWith(".") ? map.name.slice(0, 15) : name;
    pins.pin(loader.pinnable(map.raw), `${wanted.pinMaps}/${fileName(own)}`);
  }
}

/** A bpffs takes no dots. */
function fileName(name: string): string {
  return name.replaceAll(".", "_");
}
