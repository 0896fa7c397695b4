import { encodeInstructions, type Instruction, type InstructionRow, instructionTable } from "@tsbpf/core/isa";
import fc from "fast-check";

const rows = instructionTable.filter(
  (row) =>
    row.kind !== "addr_space_cast" && row.kind !== "load_imm64" && !(row.kind === "call" && row.target !== "local"),
);

const EXIT: Instruction = { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };
const NEGATION: Instruction = { opcode: 0x87, dst: 0, src: 0, offset: 0, imm: 0 };
const call = (id: number): Instruction => ({ opcode: 0x85, dst: 0, src: 0, offset: 0, imm: id });
const lddw = (dst: number, value: bigint): Instruction => ({
  opcode: 0x18,
  dst,
  src: 0,
  offset: 0,
  imm: Number(BigInt.asIntN(32, value)),
  immHigh: Number(BigInt.asIntN(32, value >> 32n)),
});

const LOADS: ReadonlySet<string> = new Set(["load", "load_acquire"]);
const STORES: ReadonlySet<string> = new Set(["store", "store_release", "atomic"]);

/** Mostly one of r6 to r10, which programs are given pointers in. */
function pointer(register: number): number {
  return register < 2 ? register : 6 + (register % 5);
}

const distance = fc.oneof(fc.integer({ min: -12, max: 12 }), fc.integer({ min: -40, max: 40 }));

/** A well-formed instruction with operands that are often meaningful and often not. */
const instruction = (helpers: readonly number[]) =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...rows),
          fc.nat(9),
          fc.nat(10),
          fc.oneof(fc.integer({ min: -8, max: 8 }), fc.constantFrom(-512, -16, -8, 16, 40, 48, 64, 4096, 32767)),
          fc.oneof(fc.constantFrom(0, 1, -1, -8, 64), fc.integer()),
          distance,
        )
        .map(([row, dst, src, offset, imm, jump]: [InstructionRow, number, number, number, number, number]) => ({
          opcode: row.opcode,
          dst: row.fixed.dst ?? (STORES.has(row.kind) ? pointer(dst) : dst),
          src: row.fixed.src ?? (LOADS.has(row.kind) ? pointer(src) : row.kind === "atomic" ? src % 10 : src),
          offset: row.fixed.offset ?? (row.distance === "offset" ? jump : offset),
          imm: row.fixed.imm ?? (row.distance === "imm" ? jump : imm),
        })),
    },
    { weight: 1, arbitrary: fc.tuple(fc.nat(9), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })).map((a) => lddw(...a)) },
    { weight: 1, arbitrary: fc.constantFrom(...helpers).map(call) },
  );

/**
 * Programs that encode well and do anything: jumps in all directions, calls into the middle of other functions, accesses
 * that hit and miss. Every jump and call lands on an instruction.
 *
 * @param helpers numbers of helpers to call
 */
export function randomPrograms(helpers: readonly number[], maxLength = 60): fc.Arbitrary<Instruction[]> {
  return fc
    .tuple(fc.array(instruction(helpers), { minLength: 1, maxLength }), fc.nat(9))
    .map(([instructions, end]) => landJumps([...instructions, end === 0 ? NEGATION : EXIT]));
}

/** Jumps that would leave the program or land within a lddw go to the next instruction instead. */
function landJumps(instructions: Instruction[]): Instruction[] {
  const starts = new Set<number>();
  let slots = 0;
  for (const { opcode } of instructions) {
    starts.add(slots);
    slots += opcode === 0x18 ? 2 : 1;
  }
  let slot = 0;
  return instructions.map((each) => {
    const row = instructionTable.find(
      ({ opcode, fixed }) => opcode === each.opcode && (fixed.src === undefined || fixed.src === each.src),
    );
    const at = slot;
    slot += each.opcode === 0x18 ? 2 : 1;
    const field = row?.distance;
    if (field === undefined || starts.has(at + 1 + each[field])) return each;
    return { ...each, [field]: 0 };
  });
}

/** Bytes of a program that {@link randomPrograms} made, behind instructions that set registers up. */
export function programBytes(prologue: Uint8Array, body: readonly Instruction[]): Uint8Array {
  return Uint8Array.from([...prologue, ...encodeInstructions(body)]);
}
