import type { Machine, Namespace } from "../index.js";

/** A client and a server with a wire between them: eth0 is 10.0.0.1 and fd00::1 here, 10.0.0.2 and fd00::2 there. */
export function joinedNamespaces(machine: Machine): { readonly client: Namespace; readonly server: Namespace } {
  const client = machine.createNamespace("client");
  const server = machine.createNamespace("server");
  machine.createVeth({ name: "eth0", namespace: client }, { name: "eth0", namespace: server });
  client.addAddress("eth0", "10.0.0.1/24");
  server.addAddress("eth0", "10.0.0.2/24");
  client.addAddress("eth0", "fd00::1/64");
  server.addAddress("eth0", "fd00::2/64");
  return { client, server };
}
