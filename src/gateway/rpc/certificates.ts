/**
 * Certificate authorities and what they issue (X.509, RFC 5280; ECDSA). `certs` keeps an authority on disk; the demo, tests and
 * first trials have one whose key lives in memory only. Nothing is ever revoked: certificates are to be short-lived.
 */
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import type { JsonGeneralNames } from '@peculiar/x509';
import type { IpAddress } from '../../packet/address.js';
import { certificatesIn, validityOf } from './certificate-reading.js';
import { DAY_MS } from './certificate-status.js';

export interface IssueOptions {
  readonly commonName: string;
  readonly ips: readonly IpAddress[];
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  /** Begin of validity; absent: an hour ago. */
  readonly notBefore?: Date;
  /** End of validity; absent: the authority's. */
  readonly notAfter?: Date;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly keyPem: string;
}

export interface Authority {
  readonly caPem: string;
  /** A certificate for both ends of TLS, client and server, with a new key on P-256. */
  issue(options: IssueOptions): Promise<IssuedCertificate>;
}

/** One whose key is nowhere else. */
export type ThrowAwayAuthority = Authority;

/** An authority's certificate or key that cannot be used. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
}

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
/** The curves that WebCrypto has, under the names that OpenSSL gives them, each with a hash of its strength. */
const CURVES: Readonly<Record<string, { readonly namedCurve: string; readonly hash: string }>> = {
  prime256v1: { namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { namedCurve: 'P-521', hash: 'SHA-512' },
};
const VALIDITY_DAYS_DEFAULT = 30;
/** Certificates begin to be valid a little earlier than now, for hosts whose clocks differ. */
const BACKDATE_MS = 3_600_000;
/** RFC 5280, section 4.1.2.2: positive and at most 20 octets. */
const SERIAL_OCTETS = 16;

/** A new authority, with its own key, whose certificates are valid for `validityDays`. */
export async function createThrowAwayAuthority(
  validityDays = VALIDITY_DAYS_DEFAULT,
): Promise<ThrowAwayAuthority> {
  const { certificatePem, keyPem } = await createAuthority({
    commonName: 'psp-gateway throw-away authority',
    validityDays,
  });
  return openAuthority(certificatePem, keyPem);
}

/** The certificate of a new authority, signed by itself, and its key. */
export async function createAuthority({
  commonName,
  validityDays,
}: {
  readonly commonName: string;
  readonly validityDays: number;
}): Promise<IssuedCertificate> {
  const x509 = await loadX509();
  const keys = await generateKeys();
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: newSerial(),
      name: new x509.Name([{ CN: [commonName] }]),
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(now + validityDays * DAY_MS),
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificatePem: `${certificate.toString('pem')}\n`, keyPem: await pemOf(keys.privateKey) };
}

/**
 * An authority from its certificate and its key, of which it makes a copy. Throws AuthorityError when they are not those of
 * an authority, do not belong together, or are not on a curve that is known here (P-256, P-384, P-521).
 */
export async function openAuthority(caPem: string, keyPem: string): Promise<Authority> {
  const { certificate, key, curve } = readAuthority(caPem, keyPem);
  const x509 = await loadX509();
  const authority = new x509.X509Certificate(certificate.raw);
  const algorithm = { name: 'ECDSA', namedCurve: curve.namedCurve };
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  pkcs8.fill(0);
  const authorityKey = await authority.publicKey.export(algorithm, ['verify'], webcrypto);
  const { notAfterMs } = validityOf(certificate);

  return {
    caPem,
    async issue({
      commonName,
      ips,
      dnsNames = [],
      uris = [],
      notBefore = new Date(Date.now() - BACKDATE_MS),
      notAfter = new Date(notAfterMs),
    }) {
      const keys = await generateKeys();
      const names: JsonGeneralNames = [
        ...ips.map((ip) => ({ type: 'ip' as const, value: ip })),
        ...dnsNames.map((name) => ({ type: 'dns' as const, value: name })),
        ...uris.map((uri) => ({ type: 'url' as const, value: uri })),
      ];
      const issued = await x509.X509CertificateGenerator.create(
        {
          serialNumber: newSerial(),
          subject: new x509.Name([{ CN: [commonName] }]),
          issuer: authority.subjectName,
          notBefore: notAfter < notBefore ? new Date(notAfter.getTime() - DAY_MS) : notBefore,
          notAfter,
          publicKey: keys.publicKey,
          signingKey,
          signingAlgorithm: { name: 'ECDSA', hash: curve.hash },
          extensions: [
            new x509.BasicConstraintsExtension(false, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
            new x509.ExtendedKeyUsageExtension([
              x509.ExtendedKeyUsage.serverAuth,
              x509.ExtendedKeyUsage.clientAuth,
            ]),
            new x509.SubjectAlternativeNameExtension(names),
            await x509.AuthorityKeyIdentifierExtension.create(authorityKey, false, webcrypto),
          ],
        },
        webcrypto,
      );
      return { certificatePem: `${issued.toString('pem')}\n`, keyPem: await pemOf(keys.privateKey) };
    },
  };
}

function readAuthority(caPem: string, keyPem: string) {
  const [certificate] = attempt(() => certificatesIn(caPem), 'its certificate is not PEM of a certificate');
  if (!certificate!.ca) throw new AuthorityError('its certificate is not that of an authority');
  const key: KeyObject = attempt(
    () => createPrivateKey(keyPem),
    'its key is not PEM of a key without passphrase',
  );
  if (!certificate!.checkPrivateKey(key)) throw new AuthorityError('its key is not that of its certificate');
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (curve === undefined) throw new AuthorityError('its key is not one of P-256, P-384 or P-521');
  return { certificate: certificate!, key, curve };
}

function attempt<T>(read: () => T, otherwise: string): T {
  try {
    return read();
  } catch {
    throw new AuthorityError(otherwise);
  }
}

/** Some 250 modules, which programs that make no certificates need not load. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  // What its container needs, before it is loaded.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
}

/** PKCS #8 in PEM. */
async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const { PemConverter } = await loadX509();
  const octets = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return `${PemConverter.encode(octets, 'PRIVATE KEY')}\n`;
}

function newSerial(): string {
  const serial = randomBytes(SERIAL_OCTETS);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial.toString('hex');
}
