import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  decodeDetail,
  encodeDetails,
  failure,
  type Method,
  methodCodec,
  Metadata,
  RpcError,
  service,
  type,
  unary,
} from "../src/index.ts";
import { textCodec } from "./direct.ts";

const Short = failure("bank.v1.Short", { data: z.object({ missing: z.number().max(100) }) });
const Busy = failure("bank.v1.Busy", { code: "ABORTED", data: type<string>() });
const Secret = failure("bank.v1.Secret", { data: type<string>() });
const Slow = failure("bank.v1.Slow", { data: z.string().refine(async () => true) });

const method = service("bank.v1.Bank", {
  draw: unary({ input: type<unknown>(), output: type<unknown>(), errors: [Short, Busy, Slow] }),
}).methods.draw as Method;
const codec = methodCodec(textCodec(), method);

describe("failure()", () => {
  test("makes errors with its code, data and a message", () => {
    const error = Short({ missing: 3 });
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      code: "FAILED_PRECONDITION",
      rawMessage: "bank.v1.Short",
      data: { missing: 3 },
      details: [{ type: "bank.v1.Short", data: { missing: 3 } }],
      processed: "yes",
    });
    const busy = Busy("later", "the account is locked", { retryAfterMs: 20, metadata: new Metadata({ a: "1" }) });
    expect(busy).toMatchObject({ code: "ABORTED", rawMessage: "the account is locked", retryAfterMs: 20 });
  });

  test("recognises its own errors and no others", () => {
    expect(Short.is(Short({ missing: 3 }))).toBe(true);
    for (const one of [Busy("x"), new RpcError("FAILED_PRECONDITION"), new Error("x"), undefined, "bank.v1.Short"]) {
      expect(Short.is(one)).toBe(false);
    }
    const several = new RpcError("ABORTED", "", {
      details: [
        { type: "bank.v1.Busy", data: "x" },
        { type: "bank.v1.Short", data: { missing: 1 } },
      ],
    });
    expect(Busy.is(several) && several.data).toBe("x");
    expect(Short.is(several) && several.data).toEqual({ missing: 1 });
  });

  test("declared details cross, undeclared ones stay on the server", () => {
    const sent = encodeDetails([...Secret("password").details, ...Short({ missing: 3 }).details], codec);
    expect(sent.map((one) => one.type)).toEqual(["bank.v1.Short"]);
    expect(decodeDetail(sent[0] as never, method, codec)).toEqual({ type: "bank.v1.Short", data: { missing: 3 } });
  });

  test("data that this end does not know or finds invalid is undefined, and is not recognised", () => {
    const bytes = new TextEncoder().encode('{"missing":1000}');
    expect(decodeDetail({ type: "bank.v2.New", bytes }, method, codec)).toEqual({
      type: "bank.v2.New",
      data: undefined,
    });
    const invalid = decodeDetail({ type: "bank.v1.Short", bytes }, method, codec);
    expect(invalid.data).toBeUndefined();
    expect(Short.is(new RpcError("FAILED_PRECONDITION", "", { details: [invalid] }))).toBe(false);
    expect(decodeDetail({ type: "bank.v1.Short", bytes: new Uint8Array([1]) }, method, codec).data).toBeUndefined();
  });

  test("a validator that takes its time is not waited for", () => {
    const bytes = new TextEncoder().encode('"x"');
    expect(decodeDetail({ type: "bank.v1.Slow", bytes }, method, codec).data).toBeUndefined();
  });

  test("a detail that the codec cannot carry is left out, the others cross", () => {
    const details = [{ type: "bank.v1.Busy", data: () => 1 }, ...Short({ missing: 3 }).details];
    expect(encodeDetails(details, codec).map((one) => one.type)).toEqual(["bank.v1.Short"]);
  });
});
