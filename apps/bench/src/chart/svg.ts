import { formatNumber } from "../report/format-number.ts";
import type { Panel } from "./panels.ts";

const width = 880;
const margin = 20;
const labelWidth = 112;
const gap = 28;
const headHeight = 66;
const barHeight = 15;
const barStep = 23;
const valueWidth = 66;
const footHeight = 40;

/** A picture of the panels that follows the reader's light or dark colours. */
export function svg(panels: readonly Panel[], caption: string): string {
  const bars = panels[0]?.bars ?? [];
  const height = headHeight + bars.length * barStep + footHeight;
  const panelWidth = (width - 2 * margin - labelWidth - gap * (panels.length - 1)) / Math.max(1, panels.length);
  const labels = bars.map(({ contender, ours }, i) =>
    text(margin + labelWidth - 10, textY(i), contender, ours ? "name ours" : "name"),
  );
  const parts = panels.map((panel, i) => drawPanel(panel, margin + labelWidth + i * (panelWidth + gap), panelWidth));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(description(panels))}">
<style>
${style}
</style>
<rect class="back" width="${width}" height="${height}" rx="8"/>
${[...labels, ...parts, text(margin, height - 15, caption, "note")].join("\n")}
</svg>
`;
}

const style = `text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #3d444d; }
.back { fill: #ffffff; }
.title { font-size: 14px; font-weight: 600; fill: #1f2328; }
.note { font-size: 11px; fill: #656d76; }
.name { text-anchor: end; }
.ours { font-weight: 600; fill: #1f2328; }
.bar { fill: #b6bec8; }
.our-bar { fill: #0969da; }
.axis { stroke: #d1d9e0; }
@media (prefers-color-scheme: dark) {
  text { fill: #b7bfc9; }
  .back { fill: #0d1117; }
  .title, .ours { fill: #f0f6fc; }
  .note { fill: #9198a1; }
  .bar { fill: #4a525c; }
  .our-bar { fill: #4493f8; }
  .axis { stroke: #3d444d; }
}`;

function drawPanel({ title, unit, bars, limit }: Panel, x: number, panelWidth: number): string {
  const room = panelWidth - valueWidth;
  const most = Math.max(...bars.map(({ value }) => value ?? 0), Number.MIN_VALUE);
  const drawn = bars.map(({ value, ours }, i) => {
    if (value === undefined) return text(x + 6, textY(i), "–", "note");
    const length = Math.max(1, (value / most) * room);
    const bar = `<rect class="${ours ? "our-bar" : "bar"}" x="${x}" y="${barY(i)}" width="${round(length)}" height="${barHeight}" rx="2"/>`;
    return `${bar}${text(x + length + 6, textY(i), formatNumber(value), ours ? "ours" : "")}`;
  });
  const end = headHeight + bars.length * barStep - 4;
  return [
    text(x, 28, title, "title"),
    text(x, 46, limit === undefined ? unit : `${unit}; raw TCP: ${formatNumber(limit)}`, "note"),
    `<line class="axis" x1="${x}" x2="${x}" y1="${headHeight - 6}" y2="${end}"/>`,
    ...drawn,
  ].join("\n");
}

function barY(i: number): number {
  return headHeight + i * barStep;
}

function textY(i: number): number {
  return barY(i) + barHeight - 3;
}

function text(x: number, y: number, content: string, classes: string): string {
  return `<text x="${round(x)}" y="${y}"${classes === "" ? "" : ` class="${classes}"`}>${escape(content)}</text>`;
}

function description(panels: readonly Panel[]): string {
  const each = panels.map(({ title, unit, bars }) => {
    const values = bars.map(
      ({ contender, value }) => `${contender} ${value === undefined ? "–" : formatNumber(value)}`,
    );
    return `${title} (${unit}): ${values.join(", ")}`;
  });
  return each.join(". ");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
