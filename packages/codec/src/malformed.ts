// One sentence for each way in which received bytes are refused, the same for every codec.

export const truncated = (): Error => new Error("the message ends in the middle of a value");
export const leftOver = (): Error => new Error("the message goes on after its value");
export const tooDeep = (maxDepth: number): Error => new Error(`the message nests deeper than ${maxDepth} levels`);
export const notUtf8 = (): Error => new Error("the message has a string that is not UTF-8");
export const protoKey = (): Error => new Error("the message has a key named __proto__");
export const badKey = (): Error => new Error("the message has a key that is not a string");
export const badDate = (): Error => new Error("the message has a date that is none");
export const badBigint = (): Error => new Error("the message has a bigint that is too large or malformed");
export const unknownItem = (what: string): Error =>
  new Error(`the message has something that is not sent here: ${what}`);
