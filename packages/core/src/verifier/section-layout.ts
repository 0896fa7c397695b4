import { type Btf, type BtfType, encodeBtf, parseBtf } from "../btf/index.js";
import type { ObjectSpec } from "../spec/index.js";
import { structFieldsOf } from "./map-fields.js";

const laidOut = new WeakMap<Btf, Btf>();

/**
 * An object's types with its variables where its maps have them: compilers leave places in sections to whoever loads the
 * object. The same types where no variable has a field that the verifier looks after, since nothing asks for places then.
 */
export function layOutSections(object: ObjectSpec): Btf | undefined {
  const { btf } = object;
  if (btf === undefined) return undefined;
  const known = laidOut.get(btf);
  if (known !== undefined) return known;
  const open = [...object.maps.values()].filter(({ dataSection, valueTypeId }) => {
    if (dataSection === undefined || valueTypeId === 0) return false;
    const type = btf.type(valueTypeId);
    return type.kind === "datasec" && type.size === 0 && structFieldsOf(btf, valueTypeId).length > 0;
  });
  const result = open.length === 0 ? btf : parseBtf(encodeBtf(typesOf(btf, object)));
  laidOut.set(btf, result);
  return result;
}

function* typesOf(btf: Btf, object: ObjectSpec): IterableIterator<BtfType> {
  for (let id = 1; id < btf.length; id++) {
    const type = btf.type(id);
    yield type.kind === "datasec" && type.size === 0 ? layOut(type, btf, object) : type;
  }
}

type Section = Extract<BtfType, { kind: "datasec" }>;

function layOut(section: Section, btf: Btf, object: ObjectSpec): BtfType {
  const map = [...object.maps].find(([, { dataSection }]) => dataSection === section.name);
  const places = new Map<string, number>();
  for (const variable of object.variables.values()) {
    if (variable.map === map?.[0]) places.set(variable.name, variable.offset);
  }
  const variables = section.variables.map((variable) => ({
    ...variable,
    offset: places.get(btf.name(variable.type)) ?? variable.offset,
    size: variable.size || (btf.size(variable.type) ?? 0),
  }));
  variables.sort((a, b) => a.offset - b.offset);
  return { ...section, size: map?.[1].valueSize ?? 0, variables };
}
