/** Where a socket goes. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

const forms = `"host:port", "[ipv6]:port" or "unix:/path"`;

/**
 * The place that a user wrote.
 * @throws TypeError that says what form is right.
 */
export function parseAddress(address: string | Place): Place {
  if (typeof address === "string") return parseText(address);
  if (typeof address === "object" && address !== null) {
    if ("path" in address) return { path: checkPath(address.path, address) };
    return { host: checkHost(unbracket(address.host), address), port: checkPort(address.port, address) };
  }
  throw new TypeError(`an address is ${forms}, { host, port } or { path }, not ${String(address)}`);
}

/** For people and logs; what `parseAddress` takes. */
export function formatAddress(place: Place): string {
  return "path" in place ? `unix:${place.path}` : formatHostPort(place.host, place.port);
}

export function formatHostPort(host: string, port: number): string {
  // A listener on `::` sees IPv4 peers in IPv6 clothes.
  const plain = /^::ffff:(?=\d+\.)/i.test(host) ? host.slice(7) : host;
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

function parseText(text: string): Place {
  // gRPC's spelling `unix:///run/app.sock` means the same.
  if (text.startsWith("unix:")) return { path: checkPath(text.slice(5).replace(/^\/\/(?=\/)/, ""), text) };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw wrong(text, "no scheme");
  if (!text.includes("[") && text.indexOf(":") !== text.lastIndexOf(":")) throw wrong(text, "IPv6 goes in brackets");
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text);
  if (match === null) throw wrong(text, "after the bracket comes a port");
  const [, bracketed, plain, port] = match;
  if (bracketed !== undefined && !bracketed.includes(":")) throw wrong(text, "brackets are for IPv6");
  if (port === undefined || port === "") throw wrong(text, "it has no port");
  return { host: checkHost(bracketed ?? plain, text), port: checkPort(/^\d+$/.test(port) ? Number(port) : port, text) };
}

function checkHost(host: unknown, given: unknown): string {
  if (typeof host !== "string" || host === "") throw wrong(given, "it has no host");
  if (host.includes(":") ? !/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(host) : !/^[\p{L}\p{N}_.-]+$/u.test(host)) {
    throw wrong(given, `"${host}" is not a host`);
  }
  return host;
}

function checkPort(port: unknown, given: unknown): number {
  if (Number.isInteger(port) && (port as number) > 0 && (port as number) <= 65_535) return port as number;
  throw wrong(given, `a port is a number from 1 to 65535, not ${JSON.stringify(port) ?? String(port)}`);
}

function checkPath(path: unknown, given: unknown): string {
  if (typeof path !== "string" || path === "") throw wrong(given, "it has no path");
  return path;
}

function unbracket(host: unknown): unknown {
  return typeof host === "string" ? host.replace(/^\[(.*:.*)\]$/, "$1") : host;
}

function wrong(given: unknown, reason: string): TypeError {
  const shown = typeof given === "string" ? `"${given}"` : JSON.stringify(given);
  return new TypeError(`${shown} is not an address: ${reason}. Write ${forms}, { host, port } or { path }`);
}
