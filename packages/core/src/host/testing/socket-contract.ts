import { afterAll, beforeAll, describe } from "vitest";
import { cgroupContract } from "./cgroup-contract.js";
import { ipProgramContract } from "./ip-program-contract.js";
import { socketChoiceContract } from "./socket-choice-contract.js";
import { socketMapContract } from "./socket-map-contract.js";
import { socketOperationContract } from "./socket-operation-contract.js";
import { socketSteps } from "./socket-steps.js";
import type { SocketTestBed } from "./socket-test-bed.js";

/** What every host promises about programs on sockets: hooks fire because sockets do something. */
export function socketContract(name: string, createTestBed: () => SocketTestBed | Promise<SocketTestBed>): void {
  describe(`${name} keeps the contract of sockets`, () => {
    let bed: SocketTestBed | undefined;
    beforeAll(async () => {
      bed = await createTestBed();
    });
    afterAll(() => bed?.close());
    const steps = socketSteps(() => bed!);

    cgroupContract(steps);
    socketOperationContract(steps);
    socketMapContract(steps);
    socketChoiceContract(steps);
    ipProgramContract(steps);
  });
}
