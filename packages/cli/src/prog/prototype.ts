import type { Btf, TypeId } from "@tsbpf/core/btf";

/** A type as bpftool writes it before a name: `struct xdp_md * `. */
function typeText(btf: Btf, id: TypeId): string {
  const type = btf.type(id);
  switch (type.kind) {
    case "void":
      return "void ";
    case "ptr":
      return `${typeText(btf, type.type)}* `;
    case "struct":
    case "union":
      return `${type.kind} ${type.name || "(anon)"} `;
    case "fwd":
      return `${type.of} ${type.name} `;
    case "enum":
    case "enum64":
      return `enum ${type.name || "(anon)"} `;
    case "const":
    case "volatile":
    case "restrict":
      return `${type.kind} ${typeText(btf, type.type)}`;
    case "type_tag":
      return typeText(btf, type.type);
    case "array":
      return `${typeText(btf, type.type)}[${type.length}]`;
    case "func_proto":
      return `${typeText(btf, type.returns)}(${parametersText(btf, id)})`;
    case "int":
    case "float":
    case "typedef":
      return `${type.name} `;
    default:
      return "";
  }
}

function parametersText(btf: Btf, id: TypeId): string {
  const proto = btf.type(id);
  if (proto.kind !== "func_proto") return "";
  const parameters = proto.params.map(({ name, type }) => (type === 0 ? "..." : `${typeText(btf, type)}${name}`));
  return parameters.length === 0 ? "void" : parameters.join(", ");
}

/** A function's prototype in bpftool's spelling: `int filter(struct xdp_md * ctx)`. Undefined for what is no function. */
export function prototypeText(btf: Btf, id: TypeId): string | undefined {
  const type = btf.type(id);
  if (type.kind !== "func") return undefined;
  const proto = btf.type(type.type);
  if (proto.kind !== "func_proto") return undefined;
  return `${typeText(btf, proto.returns)}${type.name}(${parametersText(btf, type.type)})`;
}

/** The type of a pointer to functions of this prototype, without names: `u32 (struct sock *, int)`. */
export function functionTypeText(btf: Btf, proto: TypeId): string {
  const type = btf.type(proto);
  if (type.kind !== "func_proto") return "";
  const parameters = type.params.map(({ type: id }) => (id === 0 ? "..." : typeText(btf, id).trimEnd()));
  return `${typeText(btf, type.returns)}(${parameters.length === 0 ? "void" : parameters.join(", ")})`;
}
