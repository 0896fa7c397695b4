import { describe, expect, it } from "vitest";
import { I32, i32, instantiate, ModuleBuilder } from "../wasm/index.js";
import { type HelperFunction, HelperTable } from "./index.js";

const five = [I32, I32, I32, I32, I32] as const;

describe("HelperTable", () => {
  it("makes JavaScript and WebAssembly functions callable through one table", () => {
    const module = new ModuleBuilder();
    const sub = module.function("sub", { a: I32, b: I32, c: I32, d: I32, e: I32 }, [I32]);
    sub.get(sub.params.a).get(sub.params.b).op(i32.sub);
    module.exportFunction("sub", sub);
    const helpers = new HelperTable()
      .define(5, { name: "ktime_get_ns", result: "wide", wide: false, run: (a, b, c, d, e) => a + b + c + d + e })
      .define(6, {
        name: "sub",
        result: "int",
        wide: false,
        run: instantiate(module.finish()).exports.sub as HelperFunction,
      })
      .define(700, { name: "late", result: "int", wide: false, run: () => 700 });
    helpers.link([5, 6, 5, 700]);

    const caller = new ModuleBuilder();
    const table = caller.importTable("env", "table", { minimum: 1 });
    const f = caller.function("f", { id: I32 }, [I32]);
    f.i32(-1)
      .i32(2)
      .i32(3)
      .i32(4)
      .i32(5)
      .get(f.params.id)
      .callIndirect(caller.signature(five, [I32]), table);
    caller.exportFunction("f", f);
    const call = instantiate(caller.finish(), { env: { table: helpers.table } }).exports.f as (id: number) => number;
    expect([call(5), call(6), call(700)]).toEqual([13, -3, 700]);
    expect(() => call(7)).toThrow();

    helpers.define(5, { name: "replaced", result: "int", wide: false, run: () => 55 });
    expect(call(5)).toBe(55);
    expect(() => helpers.link([7])).toThrow(expect.objectContaining({ code: "UNKNOWN_HELPER" }));
  });
});
