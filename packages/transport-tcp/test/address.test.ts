import { expect, test } from "vitest";
import { formatAddress, formatHostPort, parseAddress } from "../src/address.ts";

test.each([
  ["127.0.0.1:7001", { host: "127.0.0.1", port: 7001 }],
  ["[::1]:7001", { host: "::1", port: 7001 }],
  ["[fe80::1%eth0]:1", { host: "fe80::1%eth0", port: 1 }],
  ["example.com:65535", { host: "example.com", port: 65_535 }],
  ["my_host.:80", { host: "my_host.", port: 80 }],
  ["unix:/run/app.sock", { path: "/run/app.sock" }],
  ["unix:///run/app.sock", { path: "/run/app.sock" }],
  ["unix:app.sock", { path: "app.sock" }],
])("%s is an address", (text, place) => {
  expect(parseAddress(text)).toEqual(place);
});

test.each(["127.0.0.1:7001", "[::1]:7001", "unix:/run/app.sock"])("%s is written as it was read", (text) => {
  expect(formatAddress(parseAddress(text))).toBe(text);
});

test.each([
  [{ host: "::1", port: 7001 }, "[::1]:7001"],
  [{ host: "[::1]", port: 7001 }, "[::1]:7001"],
  [{ path: "/run/app.sock" }, "unix:/run/app.sock"],
])("%o is an address", (place, text) => {
  expect(formatAddress(parseAddress(place))).toBe(text);
});

test("an IPv4 peer of an IPv6 listener is shown as IPv4", () => {
  expect(formatHostPort("::ffff:10.0.0.7", 51_234)).toBe("10.0.0.7:51234");
});

test.each([
  ["", /no port|no host/],
  ["localhost", /no port/],
  ["localhost:", /no port/],
  [":7001", /no host/],
  ["[]:7001", /brackets|no host/],
  ["localhost:0", /1 to 65535/],
  ["localhost:65536", /1 to 65535/],
  ["localhost:-1", /1 to 65535/],
  ["localhost:7001/path", /1 to 65535/],
  ["localhost:http", /1 to 65535/],
  ["::1:7001", /IPv6 goes in brackets/],
  ["[::1]7001", /port/],
  ["http://localhost:7001", /no scheme/],
  ["user@host:7001", /not a host/],
  ["two words:7001", /not a host/],
  ["unix:", /no path/],
  [{ host: "", port: 1 }, /no host/],
  [{ host: "localhost" }, /1 to 65535/],
  [{ port: 7001 }, /no host/],
  [{ host: "localhost", port: 1.5 }, /1 to 65535/],
  [{ host: "localhost", port: "7001" }, /1 to 65535/],
  [{ path: "" }, /no path/],
  [undefined, /an address is/],
  [7001, /an address is/],
])("%o throws a TypeError that says what form is right", (address, reason) => {
  const parse = () => parseAddress(address as string);
  expect(parse).toThrow(TypeError);
  expect(parse).toThrow(reason);
  expect(parse).toThrow("unix:/path");
});
