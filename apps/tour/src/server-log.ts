import { styleText } from "node:util";

/** What the server says of itself. */
export type ServerLog = (text: string) => void;

/** To standard output, which the server shares with whoever started it. */
export const printLog: ServerLog = (text) => console.log(`  ${styleText("magenta", "server │")} ${text}`);
