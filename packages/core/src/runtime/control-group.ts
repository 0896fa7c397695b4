/** A control group, as far as helpers ask about it. */
export interface ControlGroup {
  readonly id: bigint;
  /** Undefined for the root. */
  readonly parent: ControlGroup | undefined;
}

/** Its ancestor at a level, the root's being 0; itself at its own, undefined below. */
export function ancestorOf(group: ControlGroup, level: number): ControlGroup | undefined {
  const path: ControlGroup[] = [];
  for (let each: ControlGroup | undefined = group; each !== undefined; each = each.parent) path.unshift(each);
  return path[level];
}
