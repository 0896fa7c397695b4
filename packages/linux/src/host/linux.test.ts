import { deviceContract, hostContract, socketContract } from "../../../core/src/host/testing/index.js";
import { linuxTestBed } from "../testing/device-test-bed.js";
import { describeKernel } from "../testing/kernel.js";
import { linuxSocketTestBed } from "../testing/socket-test-bed.js";
import { Linux } from "./index.js";

describeKernel("Linux", () => {
  hostContract("Linux", () => Linux.open());
  deviceContract("Linux", linuxTestBed);
  socketContract("Linux", linuxSocketTestBed);
});
