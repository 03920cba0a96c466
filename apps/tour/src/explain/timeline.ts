import { styleText } from "node:util";
import type { Moment } from "./recorder.ts";

/** One line for each moment, with its time since the first, and one more for its bytes. */
export function timeline(moments: readonly Moment[]): string[] {
  const begin = moments[0]?.atUs ?? 0;
  const lines = [styleText("dim", `${"step".padEnd(6)}${"µs".padStart(5)}  where`)];
  let last = 0;
  for (const { step, atUs, where, text, hex } of moments) {
    const number = step === last ? "" : String(step);
    last = step;
    const time = (atUs - begin).toFixed(0);
    lines.push(`${number.padEnd(6)}${time.padStart(5)}  ${styleText("bold", where.padEnd(8))} ${text}`);
    if (hex === undefined) continue;
    const spaced = hex.replaceAll(/(..)(?=.)/g, "$1 ");
    lines.push(`${" ".repeat(22)}${styleText("cyan", spaced)}  ${styleText("dim", `${hex.length / 2} bytes`)}`);
  }
  return lines;
}
