const longest = 300;

/** What a process that failed printed, in one line: the line that names the error, else the last one. */
export function lastWords(printed: string): string {
  const lines = printed
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const telling =
    lines.findLast((line) => /^(\w*Error|\w*Exception)\b/.test(line)) ?? lines.at(-1) ?? "it said nothing";
  return telling.length > longest ? `${telling.slice(0, longest)}…` : telling;
}
