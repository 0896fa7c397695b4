// Fills a Maglev table: each server has its own order of preference over the slots, and they take turns choosing until
// every slot is taken (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section
// 3.4). Servers get equal shares, and one that leaves moves few of the others' slots.

/** FNV-1a, 32 bits. */
function hash(text, seed) {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (const char of text) value = Math.imul(value ^ char.codePointAt(0), 0x01000193) >>> 0;
  return value;
}

/**
 * @param {readonly string[]} servers names; the table holds their indices
 * @param {number} size a prime
 * @returns {Uint32Array}
 */
export function maglevTable(servers, size) {
  const table = new Uint32Array(size).fill(0xffffffff);
  const orders = servers.map((name) => ({
    next: hash(name, 1) % size,
    skip: (hash(name, 2) % (size - 1)) + 1,
  }));
  for (let filled = 0; filled < size; ) {
    for (const [server, order] of orders.entries()) {
      while (table[order.next] !== 0xffffffff) order.next = (order.next + order.skip) % size;
      table[order.next] = server;
      if (++filled === size) break;
    }
  }
  return table;
}
