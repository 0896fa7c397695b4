/**
 * The name nearest to `written` by Levenshtein distance, if one is near enough to have been meant, as the tail of an
 * error message.
 */
export function didYouMean(written: string, names: Iterable<string>): string {
  if (written.length > 40) return "";
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.ceil(written.length / 2));
  for (const name of names) {
    if (Math.abs(name.length - written.length) >= bestDistance) continue;
    const distance = editDistance(written, name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best === undefined ? "" : `; did you mean "${best}"?`;
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const replace = previous[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      row.push(Math.min(replace, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[right.length]!;
}
