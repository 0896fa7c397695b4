import { afterAll, beforeAll, describe } from "vitest";
import type { Host } from "../index.js";
import { arrayMapContract } from "./array-map-contract.js";
import { eventContract } from "./event-contract.js";
import { hashMapContract } from "./hash-map-contract.js";
import { mapKindsContract } from "./map-kinds-contract.js";
import { skbHelperContract } from "./skb-helper-contract.js";
import { testRunContract } from "./test-run-contract.js";
import { testRunTypesContract } from "./test-run-types-contract.js";
import { xdpHelperContract } from "./xdp-helper-contract.js";

/**
 * What every host promises, as one suite. Each host's package runs it on itself: what differs between them is a bug in
 * one of them, and the kernel is right.
 */
export function hostContract(name: string, createHost: () => Host | Promise<Host>): void {
  describe(`${name} keeps the host contract`, () => {
    let host: Host | undefined;
    beforeAll(async () => {
      host = await createHost();
    });
    afterAll(() => host?.close());
    const underTest = () => host!;

    hashMapContract(underTest);
    arrayMapContract(underTest);
    mapKindsContract(underTest);
    testRunContract(underTest);
    testRunTypesContract(underTest);
    eventContract(underTest);
    xdpHelperContract(underTest);
    skbHelperContract(underTest);
  });
}
