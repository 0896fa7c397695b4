import { UsageError } from "../command-error.js";

/** One command of a batch file, and the line that it begins at (from 1). */
export interface BatchLine {
  readonly words: readonly string[];
  readonly line: number;
}

/**
 * Splits a batch file into commands, one a line: `#` begins a comment, a `\` at the end of a line joins the next one, and
 * quotes (single or double) keep blanks in a word.
 *
 * @throws UsageError for a quote that is not closed.
 */
export function batchLines(text: string): BatchLine[] {
  const commands: BatchLine[] = [];
  let begun: { text: string; line: number } | undefined;
  text.split("\n").forEach((line, index) => {
    const whole = begun === undefined ? { text: line, line: index + 1 } : { ...begun, text: begun.text + line };
    if (whole.text.endsWith("\\")) {
      begun = { ...whole, text: `${whole.text.slice(0, -1)} ` };
      return;
    }
    begun = undefined;
    const words = splitWords(whole.text, whole.line);
    if (words.length > 0) commands.push({ words, line: whole.line });
  });
  if (begun !== undefined) {
    const words = splitWords(begun.text, begun.line);
    if (words.length > 0) commands.push({ words, line: begun.line });
  }
  return commands;
}

function splitWords(text: string, line: number): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (const char of text) {
    if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "#" && word === undefined) {
      break;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") throw new UsageError(`line ${line} of the batch: a ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}
