import { describe } from "vitest";
import { hostContract } from "../host/testing/index.js";
import { Machine } from "./index.js";

describe("Machine", () => {
  hostContract("Machine", () => new Machine());
});
