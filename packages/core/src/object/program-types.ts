import { type AttachType, type ProgramType, parseSectionName } from "../abi/index.js";

/** How to type programs whose section name doesn't say. */
export type TypeChoice =
  | ProgramType
  | ((program: { readonly name: string; readonly section: string }) => ProgramType | undefined);

/** What is known of a program before its code is looked at. */
export interface ProgramHead {
  readonly name: string;
  /** Without the leading `?`. */
  readonly section: string;
  readonly autoload: boolean;
  readonly type: ProgramType | undefined;
  readonly attachType: AttachType | undefined;
  readonly attachTo: string | undefined;
  readonly flags: number;
}

/** iproute2's sections for tail calls: the `id` of a prog array and the slot, as `sscanf("%i/%i")` reads them. */
export function parseTailSection(section: string): { readonly id: number; readonly slot: number } | undefined {
  const match = /^(0x[0-9a-fA-F]{1,8}|\d{1,10})\/(0x[0-9a-fA-F]{1,8}|\d{1,10})/.exec(section);
  if (match === null) return undefined;
  const number = (text: string) => (/^0[0-7]/.test(text) ? Number.parseInt(text, 8) : Number(text)) >>> 0;
  return { id: number(match[1]!), slot: number(match[2]!) };
}

/** Takes a section name apart and chooses the type where the name leaves it open. */
export function readProgramHead(name: string, sectionName: string, choice: TypeChoice | undefined): ProgramHead {
  const autoload = !sectionName.startsWith("?");
  const section = autoload ? sectionName : sectionName.slice(1);
  const meaning = parseSectionName(section);
  if (meaning !== undefined) return { name, section, autoload, ...meaning };
  const type = typeof choice === "function" ? choice({ name, section }) : choice;
  return { name, section, autoload, type, attachType: undefined, attachTo: undefined, flags: 0 };
}

/**
 * The type that programs in iproute2's tail-call sections have: that of all others in the object, since a prog array
 * holds one type only. Undefined where the others differ, or there are none.
 */
export function commonType(heads: Iterable<ProgramHead>): ProgramType | undefined {
  const types = new Set<ProgramType>();
  for (const { type } of heads) if (type !== undefined) types.add(type);
  const [first] = types;
  return types.size === 1 ? first : undefined;
}
