/** The one of `choices` that `word` was probably meant to be, or undefined where none is near. */
export function nearest(word: string, choices: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 2.5)) + 1;
  for (const choice of choices) {
    const distance = editDistance(word, choice);
    if (distance < least) {
      best = choice;
      least = distance;
    }
  }
  return best;
}

/** Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours, each counting 1. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        previous[j]! + 1,
        row[j - 1]! + 1,
        substitution,
        swapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** `", did you mean 'show'?"`, or nothing where no choice is near. */
export function didYouMean(word: string, choices: Iterable<string>): string {
  const choice = nearest(word, choices);
  return choice === undefined ? "" : `; did you mean '${choice}'?`;
}
