/** What a process does when it is told to, by name. Everything crosses between processes as JSON. */
export type Commands = Readonly<Record<string, (input: never) => unknown>>;

export interface Command {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export type Answer =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly error: string; readonly wrongReply: boolean };

/** Does what the process that started this one asks for, and ends with it. */
export function obey(commands: Commands): void {
  process.on("message", (command: Command) => {
    void answer(commands, command).then((result) => process.send?.(result));
  });
  process.on("disconnect", () => process.exit());
}

async function answer(commands: Commands, { id, name, input }: Command): Promise<Answer> {
  try {
    const output = await (commands[name] as (input: unknown) => unknown)(input);
    return { id, output: output ?? null };
  } catch (error) {
    const { name: kind, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    return { id, error: message, wrongReply: kind === "WrongReply" };
  }
}
