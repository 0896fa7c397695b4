import type { BpfMap } from "@tsbpf/core/host";
import { registerStructOps } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import { readObjectFile } from "../object-file.js";
import { PinSet } from "../prog/pin-set.js";

/** `struct_ops register OBJ [LINK_DIR]`: all of the object's implementations, or none. */
export async function registerObject(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "struct_ops");
  const file = words.next("OBJ");
  const folder = words.left === 0 ? undefined : words.next("LINK_DIR");
  words.end();
  const object = await readObjectFile(file);
  const wanted = [...object.maps].filter(([, { type, autocreate }]) => type === "struct_ops" && autocreate);
  if (wanted.length === 0) throw new CommandError(`${file} has no struct_ops`);
  const linked = wanted.find(([, { structOps }]) => structOps?.link === true);
  if (linked !== undefined && folder === undefined) {
    throw new CommandError(`'${linked[0]}' is in force by a link, which would go with this command`, {
      hint: "say where to pin it: struct_ops register OBJ LINK_DIR",
    });
  }
  const host = await context.host();
  if (folder !== undefined && !context.flags.nomount) host.mountFileSystem(`${folder}/x`);
  const loader = await host.loader();
  const pins = new PinSet(host.folders);
  const staying: BpfMap[] = [];
  try {
    const loaded = await loader.load(object, {});
    for (const [key, map] of Object.entries(loaded.maps)) {
      if (!wanted.some(([name]) => name === key)) continue;
      const link = registerStructOps(map);
      if (link === undefined) staying.push(map);
      else pins.pin(link, `${folder}/${map.name.slice(0, 15)}`);
      const { id } = map.info;
      const by = link === undefined ? `id ${id}` : `map id ${id} link id ${link.id}`;
      link?.close();
      if (!context.json) context.print(`registered ${object.maps.get(key)!.structOps!.typeName} ${map.name} ${by}`);
    }
  } catch (error) {
    pins.undo();
    for (const map of staying) map.raw.delete(new Uint8Array(4));
    throw error;
  } finally {
    loader.close();
  }
}
