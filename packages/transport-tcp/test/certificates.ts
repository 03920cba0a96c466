import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate and its private key, as PEM. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

interface CertificateOptions {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly ipv4?: readonly string[];
  readonly uris?: readonly string[];
  /** Days from now that it ends; negative for one that has expired. */
  readonly days?: number;
}

/** Signs certificates for tests: X.509 v3 with ECDSA P-256 (RFC 5280), as little of it as OpenSSL accepts. */
interface Authority extends Certificate {
  issue(options: CertificateOptions): Certificate;
}

export function createAuthority(commonName = "Test Authority"): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const make = (subject: CertificateOptions, isAuthority: boolean): Certificate => {
    const own = isAuthority ? keys : generateKeyPairSync("ec", { namedCurve: "P-256" });
    const body = toBeSigned(subject, commonName, own.publicKey, isAuthority);
    const signature = sign("sha256", body, keys.privateKey);
    const der = sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.from([0]), signature));
    const pem = der.toString("base64").replace(/.{1,64}/g, "$&\n");
    return {
      cert: `-----BEGIN CERTIFICATE-----\n${pem}-----END CERTIFICATE-----\n`,
      key: own.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    };
  };
  return { ...make({ commonName }, true), issue: (options) => make(options, false) };
}

function toBeSigned(subject: CertificateOptions, issuer: string, key: KeyObject, isAuthority: boolean): Buffer {
  const names = [
    ...(subject.dnsNames ?? []).map((name) => tlv(0x82, Buffer.from(name))),
    ...(subject.uris ?? []).map((uri) => tlv(0x86, Buffer.from(uri))),
    ...(subject.ipv4 ?? []).map((ip) => tlv(0x87, Buffer.from(ip.split(".").map(Number)))),
  ];
  const extensions = [
    sequence(oid("551d13"), critical, octets(isAuthority ? sequence(critical) : sequence())),
    ...(names.length > 0 ? [sequence(oid("551d11"), octets(sequence(...names)))] : []),
  ];
  const end = Date.now() + (subject.days ?? 30) * 86_400_000;
  return sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1]), randomBytes(8)),
    ecdsaWithSha256,
    name(issuer),
    sequence(utcTime(Math.min(Date.now(), end) - 86_400_000), utcTime(end)),
    name(subject.commonName),
    key.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(...extensions)),
  );
}

/** DER: a tag, a length, contents. */
function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const contents = Buffer.concat(parts);
  const n = contents.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), contents]);
}

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts);
const octets = (contents: Buffer): Buffer => tlv(0x04, contents);
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, "hex"));
const name = (commonName: string): Buffer =>
  sequence(tlv(0x31, sequence(oid("550403"), tlv(0x0c, Buffer.from(commonName)))));
const utcTime = (ms: number): Buffer =>
  tlv(0x17, Buffer.from(new Date(ms).toISOString().replace(/^..(..)-(..)-(..)T(..):(..):(..).*/, "$1$2$3$4$5$6Z")));
const critical = tlv(0x01, Buffer.from([0xff]));
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
