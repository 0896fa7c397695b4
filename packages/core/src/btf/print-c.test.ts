import { describe, expect, it } from "vitest";
import { BpfError } from "../base/index.js";
import { BtfBuilder, type BtfType, printC, printDeclaration, type TypeId } from "./index.js";

const field = (name: string, type: TypeId, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });
const struct = (name: string, size: number, ...members: ReturnType<typeof field>[]): BtfType => {
  return { kind: "struct", name, size, members };
};

function numbers(b: BtfBuilder) {
  const int = (name: string, size: number, encoding: "signed" | "unsigned") =>
    b.add({ kind: "int", name, size, encoding, bitOffset: 0, bits: size * 8 });
  return { char: int("char", 1, "signed"), int: int("int", 4, "signed"), long: int("long", 8, "signed") };
}

const plain = { preserveAccessIndex: false, guard: "" };

describe("printC", () => {
  it("declares ahead what pointers lead to, and defines ahead what is contained", () => {
    const b = new BtfBuilder();
    const n = numbers(b);
    const outer = b.nextId;
    b.add(
      struct("outer", 24, field("inner", outer + 1, 0), field("parent", outer + 2, 64), field("other", outer + 4, 128)),
    );
    b.add(struct("inner", 8, field("owner", outer + 2, 0)));
    b.add({ kind: "ptr", type: outer });
    b.add({ kind: "fwd", name: "secret", of: "union" });
    b.add({ kind: "ptr", type: outer + 3 });
    b.add({ kind: "typedef", name: "number", type: n.int });
    expect(printC(b.build(), plain)).toBe(`struct outer;

struct inner {
	struct outer *owner;
};

union secret;

struct outer {
	struct inner inner;
	struct outer *parent;
	union secret *other;
};

typedef int number;
`);
  });

  it("spells declarators as C reads them", () => {
    const b = new BtfBuilder();
    const n = numbers(b);
    const ptr = (type: TypeId) => b.add({ kind: "ptr", type });
    const array = (type: TypeId, length: number) => b.add({ kind: "array", type, indexType: n.int, length });
    const constant = (type: TypeId) => b.add({ kind: "const", name: "", type });
    const text = ptr(constant(n.char));
    const callback = b.add({
      kind: "func_proto",
      returns: text,
      params: [
        { name: "x", type: n.int },
        { name: "", type: 0 },
      ],
    });
    const nothing = b.add({ kind: "func_proto", returns: 0, params: [] });
    const getter = b.add({ kind: "func_proto", returns: ptr(nothing), params: [{ name: "", type: text }] });
    const tagged = ptr(b.add({ kind: "type_tag", name: "user", type: constant(n.int) }));
    const cases: [TypeId, string, string][] = [
      [text, "s", "const char *s"],
      [constant(text), "s", "const char * const s"],
      [array(array(n.int, 3), 2), "m", "int m[2][3]"],
      [ptr(array(n.int, 3)), "p", "int (*p)[3]"],
      [array(ptr(callback), 4), "table", "const char *(*table[4])(int x, ...)"],
      [ptr(getter), "get", "void (*(*get)(const char *))(void)"],
      [tagged, "p", 'const int __attribute__((btf_type_tag("user"))) *p'],
      [b.add({ kind: "restrict", name: "", type: text }), "s", "const char * restrict s"],
      [ptr(0), "", "void *"],
      [callback, "f", "const char *f(int x, ...)"],
    ];
    const btf = b.build();
    for (const [id, name, expected] of cases) expect(printDeclaration(btf, id, name)).toBe(expected);
  });

  it("keeps the layout with padding, bit fields and packed", () => {
    const b = new BtfBuilder();
    const n = numbers(b);
    b.add(struct("gap", 24, field("a", n.int, 0), field("b", n.int, 96)));
    b.add(struct("packed", 5, field("a", n.char, 0), field("b", n.int, 8)));
    b.add(struct("bits", 8, field("a", n.int, 0, 3), field("b", n.int, 10, 2), field("c", n.int, 32, 32)));
    b.add(struct("straddle", 8, field("a", n.int, 0, 20), field("b", n.int, 20, 20), field("c", n.char, 40)));
    b.add(struct("overlap", 8, field("a", n.int, 0), field("b", n.int, 16)));
    b.add(struct("outside", 4, field("a", n.int, 32)));
    b.add({ kind: "union", name: "wide", size: 8, members: [field("a", n.int, 0)] });
    b.add(struct("vast", 2 ** 31, field("a", n.int, 0, 3)));
    expect(printC(b.build(), plain)).toBe(`struct gap {
	int a;
	int: 32;
	int: 32;
	int b;
	int: 32;
	int: 32;
};

struct packed {
	char a;
	int b;
} __attribute__((packed));

struct bits {
	int a: 3;
	int: 7;
	int b: 2;
	int c: 32;
};

struct straddle {
	int a: 20;
	int b: 20;
	char c;
	char: 8;
	char: 8;
} __attribute__((packed));

struct overlap {
	/* members lie as C cannot have them */
	char __bytes[8];
};

struct outside {
	/* members lie as C cannot have them */
	char __bytes[4];
};

union wide {
	int a;
	long: 64;
};

struct vast {
	int a: 3;
	int: 29;
	char __gap_4[2147483644];
};
`);
  });

  it("gives a second type or enumerator of one name a flavor, and C's spelling to other languages' names", () => {
    const b = new BtfBuilder();
    const u32 = b.add({ kind: "int", name: "u32", size: 4, encoding: "unsigned", bitOffset: 0, bits: 32 });
    b.add(struct("twin", 4, field("a", u32, 0)));
    b.add(struct("twin", 4, field("b", u32, 0)));
    const values = [
      { name: "A", value: 0n },
      { name: "BIG", value: 2n ** 40n },
    ];
    b.add({ kind: "enum64", name: "twin", size: 8, signed: false, values });
    b.add({ kind: "enum", name: "", size: 1, signed: false, values: [{ name: "A", value: 1n }] });
    b.add(struct("Option<u32>", 4, field("0", u32, 0)));
    expect(printC(b.build(), plain)).toBe(`typedef unsigned int u32;

struct twin {
	u32 a;
};

struct twin___2 {
	u32 b;
};

enum twin___3 {
	A = 0,
	BIG = 1099511627776LL,
} __attribute__((mode(DI)));

enum {
	A___2 = 1,
} __attribute__((mode(QI)));

struct Option_u32_ {
	u32 _0;
};
`);
  });

  it("prints chosen types with what they need, guarded and with accesses recorded", () => {
    const b = new BtfBuilder();
    const n = numbers(b);
    b.add(struct("unneeded", 4, field("a", n.int, 0)));
    const root = b.add(struct("root", 4, field("a", n.int, 0)));
    expect(printC(b.build(), { roots: [root] })).toBe(`#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

struct root {
	int a;
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`);
  });

  it("survives graphs that C cannot have", () => {
    const b = new BtfBuilder();
    // typedef struct { self_t *next; } self_t;
    b.add({ kind: "ptr", type: 3 });
    b.add(struct("", 8, field("next", 1, 0)));
    b.add({ kind: "typedef", name: "self_t", type: 2 });
    expect(printC(b.build(), plain)).toBe("typedef struct {\n\tvoid /* self_t */ *next;\n} self_t;\n");
    // A prototype that takes a pointer to itself.
    const p = new BtfBuilder();
    p.add({ kind: "ptr", type: 2 });
    p.add({ kind: "func_proto", returns: 0, params: [{ name: "", type: 1 }] });
    p.add({ kind: "typedef", name: "loop", type: 1 });
    expect(() => printC(p.build())).toThrow(BpfError);
    const e = new BtfBuilder();
    let last = numbers(e).int;
    for (let i = 0; i < 60; i++)
      last = e.add({ kind: "union", name: "", size: 4, members: [field("a", last, 0), field("b", last, 0)] });
    e.add({ kind: "typedef", name: "explosion", type: last });
    expect(() => printC(e.build())).toThrow("too much text");
  });
});
