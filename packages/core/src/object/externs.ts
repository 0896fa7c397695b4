import { BPF_F_MMAPABLE } from "../abi/index.js";
import { FormatError } from "../base/index.js";
import { type Btf, resolve, type TypeId } from "../btf/index.js";
import { createMap, type KconfigSpec } from "../spec/index.js";
import { dataMapName } from "./global-data.js";
import type { MapTable } from "./map-table.js";
import { type ElfSymbol, SHN_UNDEF, type SymbolTable } from "./symbols.js";

const BPF_F_RDONLY_PROG = 1 << 7;
const KCONFIG = ".kconfig";

/** What an undefined symbol stands for. */
export type Extern =
  | { readonly kind: "kconfig"; readonly offset: number }
  /** `typeId` is 0 for a variable without a type (`extern const void x __ksym`) and where there is no BTF. */
  | { readonly kind: "ksym"; readonly typeId: TypeId; readonly weak: boolean };

/** The object's undefined symbols, by name. */
export interface Externs {
  readonly byName: ReadonlyMap<string, Extern>;
  /** Offsets and sizes within the value of `.kconfig`. */
  readonly kconfig: readonly KconfigSpec[];
}

interface ExternVariable extends Omit<KconfigSpec, "offset"> {
  readonly align: number;
}

/**
 * Finds out what the undefined symbols are: BTF has them in the sections `.kconfig` and `.ksyms`. Adds the map
 * `.kconfig`, whose layout is libbpf's: the largest alignment first, then by size and name.
 *
 * @throws FormatError for a kconfig variable that has no size
 */
export function readExterns(symbols: SymbolTable, btf: Btf | undefined, objectName: string, table: MapTable): Externs {
  const declared = declaredExterns(btf);
  const byName = new Map<string, Extern>();
  const variables: ExternVariable[] = [];
  for (const symbol of symbols) {
    if (symbol.section !== SHN_UNDEF || symbol.name === "" || byName.has(symbol.name)) continue;
    const extern = declared.get(symbol.name);
    const weak = symbol.binding === "weak";
    if (btf !== undefined && extern?.section === KCONFIG) {
      const { typeId } = extern;
      variables.push(kconfigVariable(btf, symbol, typeId, weak));
      byName.set(symbol.name, { kind: "kconfig", offset: 0 });
      continue;
    }
    byName.set(symbol.name, { kind: "ksym", typeId: extern?.typeId ?? 0, weak });
  }
  const kconfig = layOut(variables);
  for (const { name, offset } of kconfig) byName.set(name, { kind: "kconfig", offset });
  if (kconfig.length > 0) addKconfigMap(kconfig, btf, objectName, table);
  return { byName, kconfig };
}

/** Extern variables by their type, extern functions by their func record. */
function declaredExterns(btf: Btf | undefined): Map<string, { section: string; typeId: TypeId }> {
  const externs = new Map<string, { section: string; typeId: TypeId }>();
  if (btf === undefined) return externs;
  for (const section of [KCONFIG, ".ksyms"]) {
    for (const id of btf.find(section, "datasec")) {
      const datasec = btf.type(id);
      if (datasec.kind !== "datasec") continue;
      for (const { type: entry } of datasec.variables) {
        const type = btf.type(entry);
        if (type.kind === "func") externs.set(type.name, { section, typeId: entry });
        if (type.kind !== "var") continue;
        const typeless = section !== KCONFIG && btf.kind(resolve(btf, type.type)) === "void";
        externs.set(type.name, { section, typeId: typeless ? 0 : type.type });
      }
    }
  }
  return externs;
}

function kconfigVariable(btf: Btf, symbol: ElfSymbol, typeId: TypeId, weak: boolean): ExternVariable {
  const size = btf.size(typeId);
  if (size === undefined || size === 0) {
    throw new FormatError(`extern ${symbol.name} in ${KCONFIG} has no size`, { section: KCONFIG });
  }
  return { name: symbol.name, size, typeId, weak, align: btf.alignment(typeId) };
}

function layOut(variables: ExternVariable[]): KconfigSpec[] {
  variables.sort((a, b) => b.align - a.align || a.size - b.size || (a.name < b.name ? -1 : 1));
  let end = 0;
  return variables.map(({ align, ...variable }) => {
    const offset = Math.ceil(end / align) * align;
    end = offset + variable.size;
    return { ...variable, offset };
  });
}

function addKconfigMap(
  kconfig: readonly KconfigSpec[],
  btf: Btf | undefined,
  objectName: string,
  table: MapTable,
): void {
  const last = kconfig[kconfig.length - 1]!;
  const map = createMap({
    name: dataMapName(objectName, KCONFIG),
    type: "array",
    keySize: 4,
    valueSize: last.offset + last.size,
    maxEntries: 1,
    flags: BPF_F_RDONLY_PROG | BPF_F_MMAPABLE,
    valueTypeId: btf?.find(KCONFIG, "datasec")[0] ?? 0,
    freeze: true,
    dataSection: KCONFIG,
  });
  table.add(KCONFIG, map);
}
