import { expect, it } from "vitest";
import { verdictName } from "./index.js";

it("names return values as the UAPI headers do", () => {
  expect(verdictName("xdp", 2)).toBe("XDP_PASS");
  expect(verdictName("xdp", 0xffffffff)).toBe("XDP_UNKNOWN(4294967295)");
  expect(verdictName("sched_cls", 0xffffffff)).toBe("TC_ACT_UNSPEC");
  expect(verdictName("sched_act", 2)).toBe("TC_ACT_SHOT");
  expect(verdictName("socket_filter", 0)).toBe("DROP");
  expect(verdictName("socket_filter", 65535)).toBe("ACCEPT");
  expect(verdictName("cgroup_skb", 1)).toBe("1");
});
