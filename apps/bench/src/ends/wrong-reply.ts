/** A contender answered, but not what was asked. */
export class WrongReply extends Error {
  override readonly name = "WrongReply";
}
