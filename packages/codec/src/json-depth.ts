import { tooDeep } from "./malformed.ts";

const quote = 0x22;
const backslash = 0x5c;

/**
 * How deep JSON nests, 0 where it cannot be deeper than `maxDepth` anyway. JSON.parse takes any depth, but whoever
 * walks the result overflows. Whether the brackets match is JSON.parse's business.
 */
export function jsonDepth(text: string, maxDepth: number): number {
  // Each level has two brackets, so a short text needs no look.
  return text.length >= 2 * maxDepth && hasMany(text, maxDepth) ? measure(text, maxDepth) : 0;
}

// Most messages have few objects and arrays, and looking for their brackets is a search that runs natively.
function hasMany(text: string, maxDepth: number): boolean {
  let open = 0;
  for (let at = text.indexOf("{"); at >= 0; at = text.indexOf("{", at + 1)) if (++open >= maxDepth) return true;
  for (let at = text.indexOf("["); at >= 0; at = text.indexOf("[", at + 1)) if (++open >= maxDepth) return true;
  return false;
}

function measure(text: string, maxDepth: number): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) {
      while (++at < text.length) {
        const inside = text.charCodeAt(at);
        if (inside === quote) break;
        if (inside === backslash) at++;
      }
      // The brackets of arrays and of objects differ in one bit.
    } else if ((unit | 0x20) === 0x7b) {
      if (++depth <= deepest) continue;
      deepest = depth;
      if (depth > maxDepth) throw tooDeep(maxDepth);
    } else if ((unit | 0x20) === 0x7d) depth--;
  }
  return deepest;
}
