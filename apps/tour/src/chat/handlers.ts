import type { Handlers } from "farcall";
import type { Chat } from "./contract.ts";

/** A listener in the manner of ELIZA (Joseph Weizenbaum, 1966): the first rule that matches answers. */
const rules: readonly (readonly [RegExp, (match: string) => string])[] = [
  [/^(?:hello|hi)\b/i, () => "Hello. What is on your mind?"],
  [/\bI need (.+?)[.!?]*$/i, (what) => `What would it mean to you if you got ${mirror(what)}?`],
  [/\bI(?:'m| am| feel) (.+?)[.!?]*$/i, (what) => `How long have you been ${mirror(what)}?`],
  [/\bbecause (.+?)[.!?]*$/i, (what) => `Is it the only reason that ${mirror(what)}?`],
  [/\bmy (\w+)/i, (what) => `Tell me more about your ${what}.`],
];

export const chatHandlers: Handlers<typeof Chat> = {
  // Reads one stream and writes the other. Returning ends the call, whatever the caller still says.
  async *talk(lines) {
    for await (const line of lines) {
      if (/^bye\b/i.test(line)) {
        yield "Goodbye. It was good to listen.";
        return;
      }
      yield answer(line);
    }
  },
};

function answer(line: string): string {
  for (const [pattern, reply] of rules) {
    const match = pattern.exec(line);
    if (match !== null) return reply(match[1] ?? "");
  }
  return "Please go on.";
}

function mirror(text: string): string {
  const other: Readonly<Record<string, string>> = { I: "you", me: "you", my: "your", am: "are", you: "I", your: "my" };
  return text.replaceAll(/\w+/g, (word) => other[word] ?? word);
}
