import type { Environment } from "../runtime/index.js";
import type { TestRunner } from "./test-run.js";
import { FlowDissectorTestRunner } from "./test-run-flow-dissector.js";
import { NetfilterTestRunner } from "./test-run-netfilter.js";
import { SkLookupTestRunner } from "./test-run-sk-lookup.js";
import { SkbTestRunner } from "./test-run-skb.js";
import { RawTracepointTestRunner, SyscallTestRunner, TracingTestRunner } from "./test-run-untyped.js";
import { XdpTestRunner } from "./test-run-xdp.js";
import type { KernelEvents } from "./tracing/index.js";

/** Test runs of every program type that has them; all others are -ENOTSUPP. */
export function testRunners(environment: Environment, events: KernelEvents): readonly TestRunner[] {
  return [
    new XdpTestRunner(environment),
    new SkbTestRunner(environment),
    new FlowDissectorTestRunner(environment),
    new SkLookupTestRunner(environment),
    new NetfilterTestRunner(environment),
    new RawTracepointTestRunner(environment),
    new SyscallTestRunner(environment),
    new TracingTestRunner(events),
  ];
}
