import type { Terminal } from "../terminal.js";
import { type Block, type FlowGraph, flowGraphs } from "./flow-graph.js";
import type { TranslatedLine } from "./translated.js";

/** What a drawing is made of; `auto` is text on a terminal, DOT elsewhere. */
export type Drawing = "auto" | "dot" | "text";

/**
 * A program's control flow: as text, a block after the other with its ways on, or as a graph in DOT (`| dot -Tsvg`).
 */
export function drawFlow(
  lines: readonly TranslatedLine[],
  terminal: Pick<Terminal, "isTerminal" | "style">,
  drawing: Drawing = "auto",
): string[] {
  const graphs = flowGraphs(lines);
  const asText = drawing === "auto" ? terminal.isTerminal === true : drawing === "text";
  return asText ? graphs.flatMap((graph) => drawText(graph, terminal)) : drawDot(graphs);
}

function drawDot(graphs: readonly FlowGraph[]): string[] {
  const out = ['digraph "DOT graph for eBPF program" {', "\tnode [shape=record, fontname=monospace];"];
  graphs.forEach(({ name, blocks }, f) => {
    const node = (index: number) => `f${f}_b${index}`;
    out.push(`\tsubgraph "cluster_${f}" {`, `\t\tstyle=dashed; label="${name}()";`);
    out.push(`\t\tf${f}_entry [shape=Mdiamond, label="ENTRY"];`, `\t\tf${f}_exit [shape=Mdiamond, label="EXIT"];`);
    blocks.forEach((block, index) => {
      out.push(`\t\t${node(index)} [label="{${block.lines.map(dotLine).join("|")}}"];`);
    });
    out.push(`\t\tf${f}_entry -> ${node(0)};`);
    blocks.forEach(({ next, leaves }, index) => {
      for (const target of next) out.push(`\t\t${node(index)} -> ${node(target)};`);
      if (leaves) out.push(`\t\t${node(index)} -> f${f}_exit;`);
    });
    out.push("\t}");
  });
  out.push("}");
  return out;
}

function dotLine({ slot, text }: TranslatedLine): string {
  return `${slot}: ${text}\\l`.replace(/[<>{}|"]/g, "\\$&");
}

function drawText({ name, blocks }: FlowGraph, terminal: Pick<Terminal, "style">): string[] {
  const before = predecessors(blocks);
  const out = [terminal.style("bold", `${name}()`)];
  blocks.forEach((block, index) => {
    const from = index === 0 ? ["entry", ...names(before[0]!)] : names(before[index]!);
    const loop = before[index]!.some((source) => source >= index) ? ", a loop comes back here" : "";
    out.push(`┌ block ${index}${terminal.style("gray", `  from ${from.join(", ") || "nowhere"}${loop}`)}`);
    for (const { slot, text } of block.lines) out.push(`│ ${String(slot).padStart(4)}: ${text}`);
    out.push(`└ ${terminal.style("cyan", waysOn(block))}`);
  });
  return [...out, ""];
}

function names(indices: readonly number[]): string[] {
  return indices.map((index) => `block ${index}`);
}

function predecessors(blocks: readonly Block[]): number[][] {
  const before: number[][] = blocks.map(() => []);
  blocks.forEach(({ next }, index) => {
    for (const target of next) before[target]!.push(index);
  });
  return before;
}

function waysOn({ next, leaves }: Block): string {
  if (leaves) return "→ exit";
  if (next.length === 0) return "→ end";
  return next.map((index) => `→ block ${index}`).join("   or ");
}
