import type { Context } from "./context.js";

/** Where objects of a kind are pinned, by id; undefined without `-f`. */
export async function pinTable(
  context: Context,
  kind: "program" | "map" | "link",
): Promise<ReadonlyMap<number, readonly string[]> | undefined> {
  if (!context.flags.bpffs) return undefined;
  const table = new Map<number, string[]>();
  for (const pin of (await context.host()).pins()) {
    if (pin.kind !== kind) continue;
    const paths = table.get(pin.id);
    if (paths === undefined) table.set(pin.id, [pin.path]);
    else paths.push(pin.path);
  }
  return table;
}
