const gplLicenses: ReadonlySet<string> = new Set([
  "GPL",
  "GPL v2",
  "GPL and additional rights",
  "Dual BSD/GPL",
  "Dual MIT/GPL",
  "Dual MPL/GPL",
]);

/** Does the kernel take the licence for a GPL-compatible one? */
export function isGplCompatible(license: string): boolean {
  return gplLicenses.has(license);
}
