import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "farcall";
import type { Guide } from "../guide.ts";
import type { Chat } from "./contract.ts";

const script = ["Hello", "I need a holiday from my servers", "They fail because I never gave them a deadline", "Bye"];

/** Talks with the bot, in turns. */
export async function tourChat(chat: Client<typeof Chat>, guide: Guide): Promise<void> {
  const heard: string[] = [];
  let answered = Promise.withResolvers<void>();
  async function* typed() {
    for (const line of script) {
      await sleep(guide.paceMs(400));
      guide.line(`you │ ${line}`);
      yield line;
      // The streams are independent; it is good manners to let the other one finish.
      await answered.promise;
      answered = Promise.withResolvers<void>();
    }
  }
  function hear(reply: string): void {
    guide.line(`bot │ ${reply}`);
    heard.push(reply);
    answered.resolve();
  }

  guide.headline("Chat bot", "bidirectional: a stream each way");
  await guide.shown(async () => {
    for await (const reply of chat.talk(typed())) hear(reply);
  });
  guide.expect("the bot's replies", heard, [
    "Hello. What is on your mind?",
    "What would it mean to you if you got a holiday from your servers?",
    "Is it the only reason that you never gave them a deadline?",
    "Goodbye. It was good to listen.",
  ]);
}
