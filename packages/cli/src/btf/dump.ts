import { type Btf, printC, printRaw, printTypeScript, type TypeId } from "@tsbpf/core/btf";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { encodeJson } from "../json.js";
import type { Context } from "../live/context.js";
import { readBtfFile } from "./file.js";
import { typeJson } from "./type-json.js";

/** Types to print: all of `btf`'s own, unless `roots` names some. */
interface Source {
  readonly btf: Btf;
  readonly roots: readonly TypeId[] | undefined;
}

/** `btf dump SOURCE [format FORMAT] [root_id ID]...` */
export async function dumpBtf(context: Context, words: Words): Promise<void> {
  const source = await takeSource(context, words);
  let format: "raw" | "c" | "ts" = "raw";
  const roots: TypeId[] = [];
  while (words.left > 0) {
    switch (words.choose("option", ["format", "root_id", "unsorted"])) {
      case "format":
        format = words.choose("format", ["raw", "c", "ts"]);
        break;
      case "root_id":
        roots.push(words.number("ID"));
        break;
    }
  }
  if (roots.length > 0 && source.roots !== undefined)
    throw new UsageError("root_id and parts of a map exclude each other");
  const unknown = roots.find((id) => id >= source.btf.length);
  if (unknown !== undefined)
    throw new CommandError(`there is no type ${unknown}, the last is ${source.btf.length - 1}`);
  print(context, { btf: source.btf, roots: roots.length > 0 ? roots : source.roots }, format);
}

async function takeSource(context: Context, words: Words): Promise<Source> {
  switch (words.choose("source", ["id", "map", "prog", "file"])) {
    case "file":
      return { btf: await readBtfFile(words.next("FILE"), context.flags.baseBtf), roots: undefined };
    case "id": {
      const { btfById } = await import("../live/object-btf.js");
      const id = words.number("BTF_ID");
      const btf = btfById(await context.host(), id);
      if (btf === undefined) throw new CommandError(`there is no BTF with id ${id}`);
      return { btf, roots: undefined };
    }
    case "prog": {
      const [{ takeProgram }, { btfById }] = await Promise.all([
        import("../live/select.js"),
        import("../live/object-btf.js"),
      ]);
      const program = await takeProgram(context, words);
      const btf = btfById(await context.host(), program.details().btfId);
      if (btf === undefined) throw new CommandError(`program ${program.id} was loaded without BTF`);
      return { btf, roots: undefined };
    }
    case "map":
      return takeMapTypes(context, words);
  }
}

async function takeMapTypes(context: Context, words: Words): Promise<Source> {
  const [{ takeMap }, { btfById }] = await Promise.all([import("../live/select.js"), import("../live/object-btf.js")]);
  const map = await takeMap(context, words);
  const part = words.take("key", "value", "kv", "all") ?? "kv";
  const { btfId, keyTypeId, valueTypeId } = map.details();
  const btf = btfById(await context.host(), btfId);
  if (btf === undefined) throw new CommandError(`map ${map.id} was made without BTF`);
  const parts = { key: [keyTypeId], value: [valueTypeId], kv: [keyTypeId, valueTypeId], all: undefined }[part];
  return { btf, roots: parts?.filter((id) => id !== 0) };
}

function print(context: Context, { btf, roots }: Source, format: "raw" | "c" | "ts"): void {
  const { terminal } = context.session;
  if (format === "raw") {
    const ids = roots ?? ownIds(btf);
    if (context.json) printTypes(context, btf, ids);
    else terminal.write(printRaw(btf, ids));
    return;
  }
  if (context.json) throw new UsageError(`types in ${format === "c" ? "C" : "TypeScript"} are no JSON`);
  terminal.write(format === "c" ? printC(btf, { roots }) : printTypeScript(btf, roots));
}

function* ownIds(btf: Btf): IterableIterator<TypeId> {
  for (let id = btf.firstId; id < btf.length; id++) yield id;
}

/** One type after the other: a kernel has over a hundred thousand. */
function printTypes(context: Context, btf: Btf, ids: Iterable<TypeId>): void {
  if (context.session.pretty) {
    context.answer({ types: Array.from(ids, (id) => typeJson(btf, id)) });
    return;
  }
  context.beginAnswer();
  const { terminal } = context.session;
  let text = '{"types":[';
  let first = true;
  for (const id of ids) {
    text += (first ? "" : ",") + encodeJson(typeJson(btf, id));
    first = false;
    if (text.length > 1 << 16) {
      terminal.write(text);
      text = "";
    }
  }
  terminal.write(`${text}]}\n`);
}
