/**
 * What the fast path of CBOR throws, and catches itself, when it meets something that it leaves to cbor-x. Made once,
 * because nobody sees it, and a stack trace would cost more than the rest of the message.
 */
export const unusual = new Error("left to cbor-x");
