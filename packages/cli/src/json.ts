/** JSON text that goes into a document as it stands: values that are formatted already, with keys that may repeat. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `value` as compact JSON: bigints are numbers in full, undefined members are left out, {@link JsonText} stands as it is. */
export function encodeJson(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if ("toJSON" in value && typeof value.toJSON === "function") return encodeJson(value.toJSON());
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${encodeJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

/** Lays compact JSON out over lines, without parsing it: numbers stay as long as they are, and keys may repeat. */
export function indentJson(text: string, indent: string): string {
  let depth = 0;
  let out = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') {
      const end = endOfString(text, at);
      out += text.slice(at, end);
      at = end - 1;
    } else if ((char === "{" || char === "[") && (text[at + 1] === "}" || text[at + 1] === "]")) {
      out += char + text[++at];
    } else if (char === "{" || char === "[") {
      out += `${char}\n${indent.repeat(++depth)}`;
    } else if (char === "}" || char === "]") {
      out += `\n${indent.repeat(--depth)}${char}`;
    } else if (char === ",") {
      out += `,\n${indent.repeat(depth)}`;
    } else {
      out += char === ":" ? ": " : char;
    }
  }
  return out;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
