import { BpfError } from "../base/index.js";
import type { Btf } from "./btf.js";
import { declare } from "./c-declaration.js";
import { CLayouts, type LayoutItem } from "./c-layout.js";
import { CNames, identifier } from "./c-names.js";
import type { BtfComposite, BtfEnum, BtfInt, BtfType, TypeId } from "./types.js";

/** Calls deep that a walk goes; through prototypes in prototypes BTF can be nested without end. */
const MAX_DEPTH = 300;
const MAX_TEXT = 256 << 20;

const UNIT_NAMES = { 8: "char", 16: "short", 32: "int", 64: "long" } as const;
const MODES = new Map([
  [1, "QI"],
  [2, "HI"],
  [8, "DI"],
]);

/** Types that compilers have without a declaration. */
const BUILT_IN =
  /^(_Bool|float|double|long double|_Float16|__bf16|(unsigned |signed )?__int128|__int128 unsigned|((signed|unsigned|short|long|int|char) )*(signed|unsigned|short|long|int|char))$/;

/** A typedef that compilers have, and do not let be declared again. */
const BUILT_IN_TYPEDEF = "__builtin_va_list";

/**
 * Definitions in an order that C takes. A type is *defined* before it is a member by value, and *declared* before a
 * pointer or a prototype names it; the walk follows these two needs from each root and writes on its way back.
 */
export class CDefinitions {
  readonly #btf: Btf;
  readonly #names: CNames;
  readonly #layouts: CLayouts;
  readonly #parts: string[] = [];
  readonly #state = new Map<TypeId, "open" | "done">();
  /** Structs and unions that a forward declaration or a definition has made known, by tag. */
  readonly #known = new Set<string>();
  /** Anonymous types that stand within others. */
  readonly #referenced = new Set<TypeId>();
  /** Anonymous structs, unions and prototypes whose parts are known, so that none is walked twice. */
  readonly #completed = new Set<TypeId>();
  #depth = 0;
  #length = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#names = new CNames(btf);
    this.#layouts = new CLayouts(btf);
    for (let id = 1; id < btf.length; id++) this.#noteReferences(btf.type(id));
  }

  text(): string {
    return this.#parts.join("\n");
  }

  /** Writes the definition of a type that has a name, or of an anonymous enum that nothing else contains. */
  define(id: TypeId): void {
    const type = this.#btf.type(id);
    switch (type.kind) {
      case "struct":
      case "union":
        if (type.name !== "") this.#complete(id);
        break;
      case "enum":
      case "enum64":
        if (type.name !== "" || !this.#referenced.has(id)) this.#complete(id);
        break;
      case "fwd":
      case "typedef":
        this.#declare(id);
        break;
      default:
        // Numbers under names that C doesn't know are declared for what uses them.
        break;
    }
  }

  declaration(id: TypeId, name: string): string {
    return declare(this.#btf, id, name, (at, type) => this.#specifier(at, type, 0));
  }

  #noteReferences(type: BtfType): void {
    if (type.kind === "struct" || type.kind === "union")
      for (const { type: id } of type.members) this.#referenced.add(id);
    else if (type.kind === "func_proto") {
      this.#referenced.add(type.returns);
      for (const { type: id } of type.params) this.#referenced.add(id);
    } else if ("type" in type) this.#referenced.add(type.type);
  }

  /** What is used by value: all of it has to be known. */
  #complete(id: TypeId): void {
    this.#enter(() => {
      const type = this.#btf.type(id);
      switch (type.kind) {
        case "struct":
        case "union":
          if (type.name === "") this.#completeAnonymous(id, type);
          else this.#once(id, () => this.#defineComposite(id, type));
          break;
        case "array":
        case "const":
        case "volatile":
        case "restrict":
        case "type_tag":
          this.#complete(type.type);
          break;
        case "typedef":
          this.#declare(id);
          this.#complete(type.type);
          break;
        case "enum":
        case "enum64":
          if (type.name !== "" || !this.#referenced.has(id))
            this.#once(id, () => this.#write(`${this.#enum(id, type, 0)};\n`));
          break;
        default:
          this.#declare(id);
      }
    });
  }

  /** What only a pointer, a prototype or a typedef names: its tag suffices, if it has one. */
  #declare(id: TypeId): void {
    this.#enter(() => {
      const type = this.#btf.type(id);
      switch (type.kind) {
        case "struct":
        case "union":
          if (type.name === "") this.#completeAnonymous(id, type);
          else this.#forward(type.kind, this.#names.tag(id));
          break;
        case "fwd":
          this.#forward(type.of, this.#fwdTag(id));
          break;
        case "ptr":
        case "const":
        case "volatile":
        case "restrict":
        case "type_tag":
          this.#declare(type.type);
          break;
        case "typedef":
          this.#once(id, () => this.#defineTypedef(id, type.name, type.type));
          break;
        case "func_proto":
          if (this.#completed.has(id)) break;
          this.#completed.add(id);
          this.#declare(type.returns);
          for (const param of type.params) this.#declare(param.type);
          break;
        case "int":
        case "float":
          if (!BUILT_IN.test(type.name)) this.#once(id, () => this.#defineNumber(id, type));
          break;
        case "array":
        case "enum":
        case "enum64":
          this.#complete(id);
          break;
        default:
          break;
      }
    });
  }

  #enter(step: () => void): void {
    if (++this.#depth > MAX_DEPTH) throw new BpfError("BTF_PRINT", "types are nested too deeply to be printed");
    step();
    this.#depth--;
  }

  /** A type that is open already is on the way here; a pointer to it was declared, by value it cannot contain itself. */
  #once(id: TypeId, write: () => void): void {
    if (this.#state.has(id)) return;
    this.#state.set(id, "open");
    write();
    this.#state.set(id, "done");
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > MAX_TEXT) throw new BpfError("BTF_PRINT", "types take too much text to be printed");
    this.#parts.push(text);
  }

  #forward(kind: "struct" | "union", tag: string): void {
    if (this.#known.has(tag)) return;
    this.#known.add(tag);
    this.#write(`${kind} ${tag};\n`);
  }

  /** A forward declaration is of the struct or union that has its name, where there is one. */
  #fwdTag(id: TypeId): string {
    const fwd = this.#btf.type(id);
    if (fwd.kind !== "fwd") return this.#names.tag(id);
    const same = this.#btf.find(fwd.name);
    const whole = same.find((other) => this.#btf.kind(other) === fwd.of);
    return this.#names.tag(whole ?? same.find((other) => this.#isFwd(other, fwd.of)) ?? id);
  }

  #isFwd(id: TypeId, of: "struct" | "union"): boolean {
    const type = this.#btf.type(id);
    return type.kind === "fwd" && type.of === of;
  }

  #completeAnonymous(id: TypeId, type: BtfComposite): void {
    if (this.#completed.has(id)) return;
    this.#completed.add(id);
    this.#completeMembers(type);
  }

  #completeMembers(type: BtfComposite): void {
    for (const member of type.members) this.#complete(member.type);
  }

  #defineComposite(id: TypeId, type: BtfComposite): void {
    this.#completeMembers(type);
    this.#known.add(this.#names.tag(id));
    this.#write(`${this.#composite(id, type, 0)};\n`);
  }

  #defineTypedef(id: TypeId, name: string, target: TypeId): void {
    if (name === BUILT_IN_TYPEDEF) return;
    this.#declare(target);
    this.#write(`typedef ${this.declaration(target, this.#names.typedef(id))};\n`);
  }

  /** Numbers under names that C doesn't know, such as Rust's. */
  #defineNumber(id: TypeId, type: Extract<BtfType, { kind: "int" | "float" }>): void {
    this.#write(
      `typedef ${type.kind === "int" ? plainInt(type) : plainFloat(type.size)} ${this.#names.typedef(id)};\n`,
    );
  }

  #specifier(id: TypeId, type: BtfType, indent: number): string {
    switch (type.kind) {
      case "void":
        return "void";
      case "int":
      case "float":
        return BUILT_IN.test(type.name) ? type.name : this.#names.typedef(id);
      case "typedef":
        if (type.name === BUILT_IN_TYPEDEF) return type.name;
        // A typedef of an anonymous struct that holds a pointer to it can be in BTF, but not in C.
        return this.#state.get(id) === "open" ? `void /* ${identifier(type.name)} */` : this.#names.typedef(id);
      case "struct":
      case "union":
        return type.name === "" ? this.#composite(id, type, indent) : `${type.kind} ${this.#names.tag(id)}`;
      case "enum":
      case "enum64":
        return type.name === "" ? this.#enum(id, type, indent) : `enum ${this.#names.tag(id)}`;
      case "fwd":
        return `${type.of} ${this.#fwdTag(id)}`;
      default:
        return `void /* ${type.kind} */`;
    }
  }

  #composite(id: TypeId, type: BtfComposite, indent: number): string {
    return this.#nest(() => {
      const tag = this.#names.tag(id);
      const head = `${type.kind}${tag === "" ? "" : ` ${tag}`} {`;
      const { items, packed, expressible } = this.#layouts.layout(type);
      const tabs = "\t".repeat(indent + 1);
      const lines = expressible
        ? items.map((item) => `${tabs}${this.#item(item, indent + 1)};\n`)
        : [`${tabs}/* members lie as C cannot have them */\n`, `${tabs}char __bytes[${type.size}];\n`];
      const body = lines.length === 0 ? "" : `\n${lines.join("")}${"\t".repeat(indent)}`;
      return `${head}${body}}${packed ? " __attribute__((packed))" : ""}`;
    });
  }

  #nest(write: () => string): string {
    if (++this.#depth > MAX_DEPTH) throw new BpfError("BTF_PRINT", "types are nested too deeply to be printed");
    const text = write();
    // Anonymous types are written where they are used: one that is used twice in another, and that twice in a third ...
    if (text.length > MAX_TEXT >> 6) throw new BpfError("BTF_PRINT", "types take too much text to be printed");
    this.#depth--;
    return text;
  }

  #item(item: LayoutItem, indent: number): string {
    if ("gap" in item) return `char __gap_${item.at}[${item.gap}]`;
    if ("padding" in item) return `${UNIT_NAMES[item.unit]}: ${item.padding}`;
    const { member, bitSize } = item;
    const name = member.name === "" ? "" : identifier(member.name);
    const text = declare(this.#btf, member.type, name, (id, type) => this.#specifier(id, type, indent));
    return bitSize === 0 ? text : `${text}: ${bitSize}`;
  }

  #enum(id: TypeId, type: BtfEnum, indent: number): string {
    const tag = this.#names.tag(id);
    const head = tag === "" ? "enum" : `enum ${tag}`;
    if (type.values.length === 0) return head;
    const tabs = "\t".repeat(indent + 1);
    const lines = type.values.map(({ name, value }) => {
      return `${tabs}${this.#names.enumerator(name)} = ${constant(value)},\n`;
    });
    const mode = MODES.get(type.size);
    const attribute = mode === undefined ? "" : ` __attribute__((mode(${mode})))`;
    return `${head} {\n${lines.join("")}${"\t".repeat(indent)}}${attribute}`;
  }
}

function constant(value: bigint): string {
  if (value === -(2n ** 63n)) return "-9223372036854775807LL - 1";
  if (value >= 2n ** 63n) return `${value}ULL`;
  return value >= 2n ** 31n || value < -(2n ** 31n) ? `${value}LL` : `${value}`;
}

function plainInt(type: BtfInt): string {
  if (type.encoding === "bool" && type.size === 1) return "_Bool";
  const sign = type.encoding === "signed" ? "signed" : "unsigned";
  const names = new Map([
    [1, "char"],
    [2, "short"],
    [4, "int"],
    [8, "long"],
    [16, "__int128"],
  ]);
  return `${sign} ${names.get(type.size) ?? `_BitInt(${type.size * 8})`}`;
}

function plainFloat(size: number): string {
  return size === 2 ? "_Float16" : size === 4 ? "float" : size === 8 ? "double" : "long double";
}
