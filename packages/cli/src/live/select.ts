import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { didYouMean } from "../suggest.js";
import type { Context } from "./context.js";
import type { LiveLink, LiveMap, LiveProgram } from "./live-host.js";
import { programName } from "./program-name.js";

/** Every object of a kind that is still there when it is opened. */
export async function* allOf<K extends "program" | "map" | "link" | "btf">(context: Context, kind: K) {
  const host = await context.host();
  for (const id of host.ids(kind)) {
    const object = host.find(kind, id);
    if (object !== undefined) yield object;
  }
}

/** The programs that `id N`, `tag T`, `name S` or `pinned FILE` name: one, or with a tag or name perhaps more. */
export async function takePrograms(context: Context, words: Words): Promise<LiveProgram[]> {
  const host = await context.host();
  switch (words.choose("way of naming a program", ["id", "tag", "name", "pinned"])) {
    case "id":
      return [await byId(context, "program", words)];
    case "pinned":
      return [host.pinned("program", words.next("FILE"))];
    case "tag": {
      const tag = words.next("PROG_TAG");
      if (!/^[0-9a-f]{16}$/i.test(tag)) throw new UsageError(`a tag has 16 hexadecimal digits, not '${tag}'`);
      return found(
        await searched(context, "program", (each) => each.details().tag === tag.toLowerCase()),
        `tag ${tag}`,
      );
    }
    case "name": {
      const name = words.next("PROG_NAME");
      const names = new Set<string>();
      const programs = await searched(context, "program", (each) => {
        const { name: short } = each.details();
        const long = programName(host, each);
        names.add(long);
        return short === name || long === name;
      });
      return found(programs, `name '${name}'`, didYouMean(name, names));
    }
  }
}

/** As {@link takePrograms}, but exactly one. */
export async function takeProgram(context: Context, words: Words): Promise<LiveProgram> {
  return onlyOne(await takePrograms(context, words), "program");
}

/** The maps that `id N`, `name S` or `pinned FILE` name. */
export async function takeMaps(context: Context, words: Words): Promise<LiveMap[]> {
  const host = await context.host();
  switch (words.choose("way of naming a map", ["id", "name", "pinned"])) {
    case "id":
      return [await byId(context, "map", words)];
    case "pinned":
      return [host.pinned("map", words.next("FILE"))];
    case "name": {
      const name = words.next("MAP_NAME");
      const names = new Set<string>();
      const maps = await searched(context, "map", (each) => {
        const own = each.details().name;
        names.add(own);
        // The kernel keeps 15 bytes of a name.
        return own === name.slice(0, 15);
      });
      return found(maps, `name '${name}'`, didYouMean(name, names));
    }
  }
}

export async function takeMap(context: Context, words: Words): Promise<LiveMap> {
  return onlyOne(await takeMaps(context, words), "map");
}

/** The link that `id N` or `pinned FILE` names. */
export async function takeLink(context: Context, words: Words): Promise<LiveLink> {
  const host = await context.host();
  const by = words.choose("way of naming a link", ["id", "pinned"]);
  return by === "pinned" ? host.pinned("link", words.next("FILE")) : byId(context, "link", words);
}

export async function byId<K extends "program" | "map" | "link" | "btf">(context: Context, kind: K, words: Words) {
  const id = words.number("id");
  const object = (await context.host()).find(kind, id);
  if (object !== undefined) return object;
  throw new CommandError(`there is no ${kind} with id ${id}`);
}

async function searched<K extends "program" | "map">(
  context: Context,
  kind: K,
  fits: (object: K extends "program" ? LiveProgram : LiveMap) => boolean,
) {
  const objects: (K extends "program" ? LiveProgram : LiveMap)[] = [];
  for await (const object of allOf(context, kind)) {
    if (fits(object as never)) objects.push(object as never);
    else object.close();
  }
  return objects;
}

function found<T>(objects: T[], what: string, suggestion = ""): T[] {
  if (objects.length === 0) throw new CommandError(`nothing has the ${what}${suggestion}`);
  return objects;
}

function onlyOne<T extends { readonly id: number }>(objects: readonly T[], kind: string): T {
  if (objects.length === 1) return objects[0]!;
  const ids = objects.map(({ id }) => id).join(", ");
  throw new CommandError(`several ${kind}s fit: say which by id`, { hint: `ids: ${ids}` });
}
