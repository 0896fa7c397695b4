import { EINVAL, ENOENT, ENOTSUPP, type MapType, mapTypeId } from "../../abi/index.js";
import { mapHeader } from "../layout.js";
import { type Callable, defineProcedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

/** The procedure of each type that has the operation. */
export type Dispatch = Partial<Record<MapType, Callable>>;

/** A procedure that calls the one of the map's type, or returns `otherwise`. The first parameter is the map. */
export function defineDispatch<Name extends string>(
  { module }: CoreScope,
  name: string,
  parameters: readonly Name[],
  byType: Dispatch,
  otherwise: number,
) {
  return defineProcedure(module, name, parameters, (p) => {
    const args = parameters.map((parameter) => p.params[parameter]);
    const cases = new Map<number, () => void>();
    for (const [type, callee] of Object.entries(byType)) {
      cases.set(mapTypeId(type as MapType), () => p.return(p.call(callee, ...args)));
    }
    p.switch(args[0]!.u32(mapHeader.TYPE), cases);
    p.return(otherwise);
  });
}

/** What operations return on types that lack them. */
export const missing = { lookup: 0, update: -EINVAL, delete: -EINVAL, nextKey: -ENOTSUPP, read: -ENOENT } as const;
