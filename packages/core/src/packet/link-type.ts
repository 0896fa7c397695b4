/**
 * Link-layer header types as capture files number them (LINKTYPE_*): what a packet's first byte is the start of.
 *
 * @see https://www.tcpdump.org/linktypes.html
 */
export const linkTypes = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** Raw IP as OpenBSD numbers it. */
  raw_bsd: 12,
  raw: 101,
  ieee802_11: 105,
  loop: 108,
  linux_sll: 113,
  ieee802_11_radiotap: 127,
  usb_linux: 189,
  ipv4: 228,
  ipv6: 229,
  nflog: 239,
  usb_linux_mmapped: 220,
  linux_sll2: 276,
} as const;

/** A link type by the name of {@link linkTypes}. */
export type LinkTypeName = keyof typeof linkTypes;

const names: ReadonlyMap<number, string> = new Map(Object.entries(linkTypes).map(([name, id]) => [id, name]));

/** `"ethernet"`, `"linux_sll"` ...; `"link type 77"` for one without a name here. */
export function linkTypeName(id: number): string {
  return names.get(id) ?? `link type ${id}`;
}
