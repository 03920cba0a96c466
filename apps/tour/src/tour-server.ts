import { createServer, type Server } from "farcall";
import { Calculator } from "./calculator/contract.ts";
import { calculatorHandlers } from "./calculator/handlers.ts";
import { Chat } from "./chat/contract.ts";
import { chatHandlers } from "./chat/handlers.ts";
import { codecs } from "./codecs.ts";
import { explainedServer } from "./explain/explained-server.ts";
import { Quotes } from "./quotes/contract.ts";
import { quotesHandlers } from "./quotes/handlers.ts";
import { printLog } from "./server-log.ts";
import { Weather } from "./weather/contract.ts";
import { weatherHandlers } from "./weather/handlers.ts";

/** The server with its four services; it can be reached once it listens on a transport. */
export function createTourServer({ explain }: { readonly explain: boolean }): Server {
  const server = explain ? explainedServer() : createServer({ codecs: Object.values(codecs) });
  server.add(Calculator, calculatorHandlers);
  server.add(Quotes, quotesHandlers(printLog));
  server.add(Weather, weatherHandlers);
  server.add(Chat, chatHandlers);
  return server;
}
