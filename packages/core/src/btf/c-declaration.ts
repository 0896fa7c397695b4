import { BpfError } from "../base/index.js";
import type { Btf } from "./btf.js";
import { identifier } from "./c-names.js";
import type { BtfFuncProto, BtfType, TypeId } from "./types.js";

/** Prototypes within parameters of prototypes; BTF can go round in circles there, C cannot. */
const MAX_PROTOTYPES = 100;
const MAX_TEXT = 1 << 20;

/** Writes what stands for a type where no declarator does: `struct sock`, `u32`, an anonymous struct with its members. */
export type Specifier = (id: TypeId, type: BtfType) => string;

/**
 * Declares `name` as a value of a type: `int (*name[3])(void *)`. Without a name it is the type's own spelling.
 *
 * Goes from the type inwards, as C declarators are read, and so needs no stack for pointers to pointers; only parameters
 * of functions recurse.
 *
 * @throws BpfError `"BTF_PRINT"` for prototypes within prototypes without end.
 */
export function declare(btf: Btf, id: TypeId, name: string, specifier: Specifier, depth = 0): string {
  let declarator = name;
  /** Qualifiers and attributes of the type that comes next. */
  let qualifiers = "";
  /** Whether the declarator starts with a pointer, which brackets behind it would bind tighter than. */
  let pointer = false;
  for (let at = id; ; ) {
    const type = btf.type(at);
    switch (type.kind) {
      case "const":
      case "volatile":
      case "restrict":
        // C++ and C agree on a qualifier that is written twice: once is enough.
        if (!qualifiers.includes(type.kind)) qualifiers += `${type.kind} `;
        at = type.type;
        break;
      case "type_tag":
        qualifiers += `${attribute(type.name, type.attribute ?? false)} `;
        at = type.type;
        break;
      case "ptr":
        declarator = `*${qualifiers === "" ? "" : ` ${qualifiers}`}${declarator}`;
        qualifiers = "";
        pointer = true;
        at = type.type;
        break;
      case "array":
        declarator = `${pointer ? `(${declarator})` : declarator}[${type.length}]`;
        pointer = false;
        at = type.type;
        break;
      case "func_proto":
        declarator = `${pointer ? `(${declarator})` : declarator}${parameters(btf, type, specifier, depth)}`;
        // A function has no qualifiers.
        qualifiers = "";
        pointer = false;
        at = type.returns;
        break;
      default:
        return join(qualifiers, specifier(at, type), declarator);
    }
  }
}

function join(qualifiers: string, specifier: string, declarator: string): string {
  const [plain, attributes] = splitAttributes(qualifiers);
  const type = `${plain}${specifier}${attributes}`;
  return declarator === "" ? type : `${type} ${declarator}`;
}

/** Qualifiers stand before the specifier, where readers look for them; attributes behind it, where they belong to it. */
function splitAttributes(qualifiers: string): [string, string] {
  if (!qualifiers.includes("__attribute__")) return [qualifiers, ""];
  const words = qualifiers.match(/__attribute__\(\(.*?\)\) |\w+ /g) ?? [];
  const attributes = words.filter((word) => word.startsWith("__attribute__"));
  const plain = words.filter((word) => !word.startsWith("__attribute__"));
  return [plain.join(""), attributes.map((word) => ` ${word.trimEnd()}`).join("")];
}

function attribute(text: string, whole: boolean): string {
  const safe = text.replace(/[^\w :.,-]/g, "_");
  return whole ? `__attribute__((${safe}))` : `__attribute__((btf_type_tag("${safe}")))`;
}

/** The parentheses of a prototype, with parameter names where BTF has them. */
function parameters(btf: Btf, prototype: BtfFuncProto, specifier: Specifier, depth: number): string {
  if (depth > MAX_PROTOTYPES) throw new BpfError("BTF_PRINT", "prototypes are nested too deeply to be printed");
  const { params } = prototype;
  if (params.length === 0) return "(void)";
  const last = params.length - 1;
  let text = "";
  for (const [i, { name, type }] of params.entries()) {
    const variadic = i === last && type === 0 && name === "";
    const spelled = name === "" ? "" : identifier(name);
    text += `${i === 0 ? "" : ", "}${variadic ? "..." : declare(btf, type, spelled, specifier, depth + 1)}`;
    if (text.length > MAX_TEXT) throw new BpfError("BTF_PRINT", "a prototype takes too much text to be printed");
  }
  return `(${text})`;
}
