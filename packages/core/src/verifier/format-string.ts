import { registerAt, VALUE } from "./domain/register.js";
import type { Walk } from "./walk.js";

const SPACE = "\\t-\\r \\xa0";
const PUNCTUATION = "!-/:-@[-`{-~\\xa1-\\xbf\\xd7\\xf7";
/** What has to follow `%p`, `%s` and their like, which take everything else for a part of themselves. */
const END = `(?=$|[${SPACE}${PUNCTUATION}])`;
const conversion = new RegExp(
  `%[0+\\- ]*(?:[1-9][0-9]*)?(?:p(?:[ku]s${END}|[KxsSB]|[iI][46]|${END})|s${END}|c|l{0,2}[iduxX])`,
  "y",
);
/** ASCII that is neither printed nor a space. */
const control = new RegExp(`[^${SPACE}!-~\\x80-\\xff]`);

/**
 * Is a format one that bpf_trace_printk, bpf_snprintf and their like take with so many arguments? Arguments may be left
 * over. Bytes from 0x80 on are text (the docs of bpf_trace_printk list the conversions).
 *
 * @param format a character a byte.
 */
export function isFormat(format: string, argumentCount: number): boolean {
  if (control.test(format)) return false;
  let used = 0;
  for (let at = format.indexOf("%"); at >= 0; at = format.indexOf("%", at)) {
    if (format[at + 1] === "%") {
      at += 2;
      continue;
    }
    conversion.lastIndex = at;
    const found = used++ < argumentCount ? conversion.exec(format) : null;
    if (found === null) return false;
    at += found[0].length;
  }
  return true;
}

/** bpf_snprintf: the values are an array of 64-bit numbers, and the format asks for no more than there are. */
export function checkPrintCall(walk: Walk, format: string): void {
  const { analysis } = walk;
  const bytes = analysis.frame.records[registerAt(5) + VALUE]!;
  if (bytes % 8 !== 0) analysis.invalid("argument", "");
  if (!isFormat(format, bytes / 8)) analysis.invalid("argument", "Invalid format string");
}
