import type { AluOperation } from "../isa/index.js";
import { wasmArithmetic, wasmDivision } from "../runtime/index.js";
import { I32, I64, i32, i64, type Operator } from "../wasm/index.js";
import type { Emitter, Operation } from "./emitter.js";

type Width = 32 | 64;

function operator(
  width: Width,
  name: (typeof wasmArithmetic)[keyof typeof wasmArithmetic] | (typeof wasmDivision)[keyof typeof wasmDivision],
) {
  return (width === 32 ? i32[name] : i64[name]) as Operator;
}

/** @see RFC 9669 section 4.1 */
export function arithmeticOperations(): Operation[] {
  const operations: Operation[] = [];
  for (const width of [64, 32] as const) {
    for (const source of ["imm", "reg"] as const) {
      const add = (operation: AluOperation, emit: (e: Emitter) => void) =>
        operations.push({ name: `${operation}${width}_${source}`, emit });
      for (const [operation, name] of Object.entries(wasmArithmetic) as [keyof typeof wasmArithmetic, "add"][]) {
        add(operation, (e) => {
          e.dstAddress();
          e.dst(width);
          e.source(source, width).op(operator(width, name));
          e.storeResult(width);
        });
      }
      for (const operation of ["div", "sdiv", "mod", "smod"] as const)
        add(operation, (e) => emitDivision(e, operation, width, source));
      add("mov", (e) => {
        e.dstAddress();
        e.source(source, width);
        e.storeResult(width);
      });
    }
    operations.push({ name: `neg${width}`, emit: (e) => emitNegation(e, width) });
  }
  return [...operations, ...moveOperations(), ...byteSwapOperations()];
}

/**
 * x / 0 = 0 and x % 0 = x. The smallest number divided by -1 is itself, where WebAssembly's `div_s` traps; its remainder
 * is 0, which `rem_s` gives.
 */
function emitDivision(e: Emitter, operation: keyof typeof wasmDivision, width: Width, source: "imm" | "reg"): void {
  const { f } = e;
  const type = width === 32 ? I32 : I64;
  const divisor = e.scratch(type, "divisor");
  const constant = (value: number) => (width === 32 ? f.i32(value) : f.i64(value));
  const ops = width === 32 ? i32 : i64;
  const divide = () => void e.dst(width).get(divisor).op(operator(width, wasmDivision[operation]));
  e.dstAddress();
  e.source(source, width).tee(divisor).op(ops.eqz);
  f.if(
    () => (operation === "div" || operation === "sdiv" ? constant(0) : e.dst(width)),
    () => {
      if (operation !== "sdiv") return divide();
      f.get(divisor);
      constant(-1).op(ops.eq);
      f.if(
        () => {
          constant(0);
          e.dst(width).op(ops.sub);
        },
        divide,
        type,
      );
    },
    type,
  );
  e.storeResult(width);
}

function emitNegation(e: Emitter, width: Width): void {
  e.dstAddress();
  if (width === 32) e.f.i32(0);
  else e.f.i64(0);
  e.dst(width).op(width === 32 ? i32.sub : i64.sub);
  e.storeResult(width);
}

function moveOperations(): Operation[] {
  const extensions = [
    [32, 8, i32.extend8_s],
    [32, 16, i32.extend16_s],
    [64, 8, i64.extend8_s],
    [64, 16, i64.extend16_s],
    [64, 32, i64.extend32_s],
  ] as const;
  return extensions.map(([width, from, extend]) => ({
    name: `movsx${width}_${from}`,
    emit: (e) => {
      e.dstAddress();
      e.src(width).op(extend);
      e.storeResult(width);
    },
  }));
}

/** `le` only truncates on this little-endian machine; `be` and `swap` both reverse. @see RFC 9669 section 4.2 */
function byteSwapOperations(): Operation[] {
  return [
    {
      name: "truncate16",
      emit: (e) => {
        e.dstAddress();
        e.dstAddress().load(i64.load16_u).store(i64.store);
      },
    },
    {
      name: "truncate32",
      emit: (e) => {
        e.dstAddress();
        e.dstAddress().load(i64.load32_u).store(i64.store);
      },
    },
    { name: "nothing", emit: () => {} },
    {
      name: "reverse16",
      emit: (e) => {
        const value = e.scratch(I32, "value");
        e.dstAddress();
        e.dstAddress().load(i32.load16_u).tee(value).i32(8).op(i32.shr_u);
        e.f.get(value).i32(8).op(i32.shl).op(i32.or).i32(0xffff).op(i32.and);
        e.storeResult(32);
      },
    },
    {
      name: "reverse32",
      emit: (e) => {
        e.dstAddress();
        emitReverse32(e, () => e.dst(32));
        e.storeResult(32);
      },
    },
    {
      name: "reverse64",
      emit: (e) => {
        e.dstAddress();
        emitReverse32(e, () => e.dst(32));
        e.f.op(i64.extend_i32_u).i64(32).op(i64.shl);
        emitReverse32(e, () => e.dstAddress().load(i32.load, 4));
        e.f.op(i64.extend_i32_u).op(i64.or);
        e.storeResult(64);
      },
    },
  ];
}

/** Bytes 1 and 3 rotated left by 8, bytes 0 and 2 right by 8, as two masks of one word. */
function emitReverse32(e: Emitter, push: () => void): void {
  const value = e.scratch(I32, "value");
  push();
  e.f.tee(value).i32(8).op(i32.rotl).i32(0x00ff00ff).op(i32.and);
  e.f.get(value).i32(8).op(i32.rotr).i32(0xff00ff00).op(i32.and).op(i32.or);
}
