/**
 * A throw-away certificate authority (X.509, RFC 5280; ECDSA over P-256) for the demo, for tests and for trying two
 * gateways by hand. Its key lives in memory only and nothing is ever revoked: not for production.
 */
import { randomBytes, webcrypto } from 'node:crypto';
import type { JsonGeneralNames } from '@peculiar/x509';
import type { IpAddress } from '../../packet/address.js';

export interface IssueOptions {
  readonly commonName: string;
  readonly ips: readonly IpAddress[];
  readonly dnsNames?: readonly string[];
  /** Begin of validity; absent: the authority's. */
  readonly notBefore?: Date;
  /** End of validity; absent: the authority's. */
  readonly notAfter?: Date;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly keyPem: string;
}

export interface ThrowAwayAuthority {
  readonly caPem: string;
  /** A certificate for both ends of TLS, client and server. */
  issue(options: IssueOptions): Promise<IssuedCertificate>;
}

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };
const VALIDITY_DAYS_DEFAULT = 30;
const DAY_MS = 86_400_000;
/** Certificates begin to be valid a little earlier than now, for hosts whose clocks differ. */
const BACKDATE_MS = 3_600_000;
/** RFC 5280, section 4.1.2.2: positive and at most 20 octets. */
const SERIAL_OCTETS = 16;

/** A new authority, with its own key, whose certificates are valid for `validityDays`. */
export async function createThrowAwayAuthority(
  validityDays = VALIDITY_DAYS_DEFAULT,
): Promise<ThrowAwayAuthority> {
  const x509 = await loadX509();
  const now = Date.now();
  const notBefore = new Date(now - BACKDATE_MS);
  const notAfter = new Date(now + validityDays * DAY_MS);
  const authorityKeys = await generateKeys();
  const authority = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: newSerial(),
      name: 'CN=psp-gateway throw-away authority',
      notBefore,
      notAfter,
      keys: authorityKeys,
      signingAlgorithm: SIGNATURE_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );

  return {
    caPem: `${authority.toString('pem')}\n`,
    async issue({ commonName, ips, dnsNames = [], notBefore: begin = notBefore, notAfter: end = notAfter }) {
      const keys = await generateKeys();
      const names: JsonGeneralNames = [
        ...ips.map((ip) => ({ type: 'ip' as const, value: ip })),
        ...dnsNames.map((name) => ({ type: 'dns' as const, value: name })),
      ];
      const certificate = await x509.X509CertificateGenerator.create(
        {
          serialNumber: newSerial(),
          subject: new x509.Name([{ CN: [commonName] }]),
          issuer: authority.subjectName,
          notBefore: end < begin ? new Date(end.getTime() - DAY_MS) : begin,
          notAfter: end,
          publicKey: keys.publicKey,
          signingKey: authorityKeys.privateKey,
          signingAlgorithm: SIGNATURE_ALGORITHM,
          extensions: [
            new x509.BasicConstraintsExtension(false, undefined, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
            new x509.ExtendedKeyUsageExtension([
              x509.ExtendedKeyUsage.serverAuth,
              x509.ExtendedKeyUsage.clientAuth,
            ]),
            new x509.SubjectAlternativeNameExtension(names),
            await x509.AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey, false, webcrypto),
          ],
        },
        webcrypto,
      );
      const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
      return {
        certificatePem: `${certificate.toString('pem')}\n`,
        keyPem: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n`,
      };
    },
  };
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

function newSerial(): string {
  const serial = randomBytes(SERIAL_OCTETS);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial.toString('hex');
}
