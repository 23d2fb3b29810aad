/** A self-signed certificate with its private key, made anew: none lies in the repository. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** DER: a tag, a length and the content (ITU-T X.690 §8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
const sha256WithRsa = sequence(der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
const commonName = der(0x06, Buffer.from('550403', 'hex'));
const time = (text: string) => der(0x18, Buffer.from(text));

const pem = (label: string, bytes: Buffer) =>
  `-----BEGIN ${label}-----\n${(bytes.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;

/** The parts in PEM; the thumbprint is the SHA-256 hash, in base64url as in the header `x5t#S256`. */
export interface TestCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly thumbprint: string;
}

export function selfSignedCertificate(): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const name = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from('weather')))));
  const validity = sequence(time('20200101000000Z'), time('21200101000000Z'));
  const serial = der(0x02, Buffer.from([1]));
  const toSign = sequence(
    serial,
    sha256WithRsa,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toSign, privateKey));
  const certificate = sequence(toSign, sha256WithRsa, signature);
  return {
    certificate: pem('CERTIFICATE', certificate),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    thumbprint: createHash('sha256').update(certificate).digest('base64url'),
  };
}
