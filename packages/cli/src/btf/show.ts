import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { allOf, byId } from "../live/select.js";

/** `btf show [id N]` */
export async function showBtf(context: Context, words: Words): Promise<void> {
  let one: Awaited<ReturnType<typeof byId<"btf">>> | undefined;
  if (words.left > 0) {
    words.choose("way of naming BTF", ["id"]);
    one = await byId(context, "btf", words);
    words.end();
  }
  const users = await usersOfBtf(context);
  const shown: unknown[] = [];
  for await (const object of one === undefined ? allOf(context, "btf") : [one]) {
    const { id, size, kernel, name } = object.details();
    const programs = users.program.get(id) ?? [];
    const maps = users.map.get(id) ?? [];
    object.close();
    if (context.json) {
      shown.push({ id, size, prog_ids: programs, map_ids: maps, kernel, name: name || undefined });
      continue;
    }
    const shownName = name === "" ? "<anon>" : kernel ? `[${name}]` : name;
    const list = (title: string, ids: readonly number[]) => (ids.length === 0 ? "" : `  ${title} ${ids.join(",")}`);
    context.print(`${id}: name ${shownName}  size ${size}B${list("prog_ids", programs)}${list("map_ids", maps)}`);
  }
  if (context.json) context.answer(one === undefined ? shown : shown[0]);
}

async function usersOfBtf(context: Context): Promise<Record<"program" | "map", Map<number, number[]>>> {
  const users = { program: new Map<number, number[]>(), map: new Map<number, number[]>() };
  for (const kind of ["program", "map"] as const) {
    for await (const object of allOf(context, kind)) {
      const { btfId } = object.details();
      object.close();
      if (btfId === 0) continue;
      const ids = users[kind].get(btfId);
      if (ids === undefined) users[kind].set(btfId, [object.id]);
      else ids.push(object.id);
    }
  }
  return users;
}
