import { BpfError } from "../base/index.js";
import type { Btf } from "./btf.js";
import { resolve } from "./graph.js";
import type { BtfEnum, BtfMember, BtfType, TypeId } from "./types.js";
import { bitField, byteElement, isComposite } from "./value.js";

/** Anonymous types are written where they are used, and may be used twice by one that is used twice ... */
const MAX_TEXT = 16 << 20;

/**
 * TypeScript types of what `decodeValue` makes of C values: an interface for each struct and union, a union of its names
 * for each enum. `roots` and all that they contain; all named types unless told. Types behind pointers are not needed,
 * since a pointer is a bigint. A second type of one name gets `_2`.
 *
 * @throws FormatError for a root that is out of range.
 * @throws BpfError `"BTF_PRINT"` for anonymous types within each other that would take over 16 MiB of text.
 */
export function printTypeScript(btf: Btf, roots: Iterable<TypeId> = namedTypes(btf)): string {
  const printer = new TypeScriptPrinter(btf);
  for (const id of roots) printer.define(id);
  return printer.text();
}

function* namedTypes(btf: Btf): IterableIterator<TypeId> {
  for (let id = 1; id < btf.length; id++) {
    const kind = btf.kind(id);
    if (kind === "struct" || kind === "union" || kind === "enum" || kind === "enum64") {
      if (btf.name(id) !== "") yield id;
    } else if (kind === "typedef") yield id;
  }
}

/**
 * As {@link printTypeScript}, type by type: {@link spell} says how a value of a type is typed, and {@link text} declares
 * everything that has been spelled by then.
 */
export class TypeScriptPrinter {
  readonly #btf: Btf;
  readonly #parts: string[] = [];
  readonly #names = new Map<TypeId, string>();
  readonly #used = new Map<string, number>();
  #inline = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  text(): string {
    return this.#parts.join("\n");
  }

  /** Writes the declaration that a type stands for, if it stands for one. */
  define(id: TypeId): void {
    this.spell(id);
  }

  /** How a value of the type is typed; declares what it names. @throws FormatError for an id that is out of range */
  spell(id: TypeId): string {
    const target = resolve(this.#btf, id);
    const type = this.#btf.type(target);
    switch (type.kind) {
      case "int":
        return type.encoding === "bool" ? "boolean" : this.#number(type.bits || type.size * 8);
      case "float":
        return type.size === 4 || type.size === 8 ? "number" : "Uint8Array";
      case "ptr":
        return "bigint";
      case "enum":
      case "enum64":
        return (
          this.#named(id, target, type.name, (name) => `export type ${name} = ${this.#enum(type)};\n`) ??
          this.#enum(type)
        );
      case "array":
        return this.#array(type.type);
      case "struct":
      case "union":
        return (
          this.#named(id, target, type.name, (name) => `export interface ${name} ${this.#members(target, "")}\n`) ??
          this.#members(target, this.#indent())
        );
      case "var":
        return this.spell(type.type);
      case "datasec":
        return this.#variables(type);
      default:
        return "never";
    }
  }

  #number(bits: number): string {
    return bits > 32 ? "bigint" : "number";
  }

  #indent(): string {
    return "  ".repeat(this.#inline);
  }

  #array(element: TypeId): string {
    const bytes = byteElement(this.#btf, element);
    if (bytes === "text") return "string | Uint8Array";
    if (bytes === "data") return "Uint8Array";
    const text = this.spell(element);
    return /[ |{]/.test(text) ? `(${text})[]` : `${text}[]`;
  }

  #enum(type: BtfEnum): string {
    const names = [...new Set(type.values.map((value) => value.name))].map((name) => JSON.stringify(name));
    return [...names, this.#number(type.size * 8)].join(" | ");
  }

  /** The name under which a type is declared: its own, or for an anonymous one that of a typedef. */
  #named(id: TypeId, target: TypeId, own: string, declaration: (name: string) => string): string | undefined {
    const known = this.#names.get(target);
    if (known !== undefined) return known;
    const wanted = own || this.#typedefName(id);
    if (wanted === "") return undefined;
    const name = this.#unique(wanted.replace(/[^A-Za-z0-9_$]/g, "_"));
    this.#names.set(target, name);
    const inline = this.#inline;
    this.#inline = 0;
    this.#parts.push(declaration(name));
    this.#inline = inline;
    return name;
  }

  #typedefName(id: TypeId): string {
    let name = "";
    for (let type = this.#btf.type(id); "type" in type; type = this.#btf.type(type.type)) {
      if (type.kind === "typedef") name = type.name;
      else if (type.kind === "ptr" || type.kind === "array") break;
    }
    return name;
  }

  #unique(wanted: string): string {
    const name = reserved.has(wanted) ? `${wanted}_` : wanted;
    const count = (this.#used.get(name) ?? 0) + 1;
    this.#used.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  }

  #members(id: TypeId, indent: string): string {
    this.#inline++;
    const lines = this.#lines(id, `${indent}  `, new Set());
    this.#inline--;
    const text = `{\n${[...lines.values()].join("")}${indent}}`;
    if (text.length > MAX_TEXT) throw new BpfError("BTF_PRINT", "types take too much text to be printed");
    return text;
  }

  /** A line for each member by name; anonymous structs' members are the outer one's. */
  #lines(id: TypeId, indent: string, seen: Set<TypeId>, lines = new Map<string, string>()): Map<string, string> {
    const type = this.#btf.type(id);
    if (!isComposite(type) || seen.has(id)) return lines;
    seen.add(id);
    for (const member of type.members) {
      if (member.name === "") this.#lines(resolve(this.#btf, member.type), indent, seen, lines);
      else if (!lines.has(member.name)) {
        lines.set(member.name, `${indent}${property(member.name)}: ${this.#member(member)};\n`);
      }
    }
    return lines;
  }

  #member(member: BtfMember): string {
    const bits = bitField(this.#btf, member);
    const type = this.#btf.type(resolve(this.#btf, member.type));
    if (bits === undefined || type.kind !== "int" || type.encoding === "bool") return this.spell(member.type);
    return this.#number(bits.bitSize);
  }

  #variables(type: Extract<BtfType, { kind: "datasec" }>): string {
    const lines = type.variables
      .filter(({ type: id }) => this.#btf.kind(id) === "var")
      .map(({ type: id }) => `  ${property(this.#btf.name(id))}: ${this.spell(id)};\n`);
    return `{\n${lines.join("")}}`;
  }
}

/** Names that C gives to types and TypeScript does not let. */
const reserved: ReadonlySet<string> = new Set(
  (
    "any as async await bigint boolean catch class debugger delete export extends false finally function get implements " +
    "import in instanceof interface let module namespace never new null number object of package private protected public " +
    "require set string super symbol this throw true try type typeof undefined unknown var with yield Uint8Array"
  ).split(" "),
);

function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
