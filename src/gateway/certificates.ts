/**
 * A throw-away certificate authority, for the demo, for tests, and for trying two gateways by hand. Its key lives
 * in memory only and is gone with the process.
 */
// x509 decorates its classes and needs this to be there first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { IpAddress } from '../packet/address.js';
import type { TlsMaterial } from './grpc-transport.js';

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Clocks of peers may differ a little. */
const BACKDATED_MS = 5 * 60_000;
const VALID_MS = 30 * 24 * 3600_000;

export interface ThrowAwayAuthority {
  readonly caPem: string;
  /** A certificate, for client and server use, for the gateway at these addresses. */
  issue(hosts: readonly IpAddress[]): Promise<TlsMaterial>;
}

function validity(nowMs: number) {
  return { notBefore: new Date(nowMs - BACKDATED_MS), notAfter: new Date(nowMs + VALID_MS) };
}

/** @param nowMs wall time, milliseconds since the Unix epoch; certificates hold for 30 days from then */
export async function createThrowAwayAuthority(nowMs: number): Promise<ThrowAwayAuthority> {
  const caKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=psp-gateway throw-away authority',
    ...validity(nowMs),
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    caPem: ca.toString('pem'),
    async issue(hosts) {
      const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await x509.X509CertificateGenerator.create({
        subject: `CN=psp-gateway ${hosts[0]}`,
        issuer: ca.subject,
        ...validity(nowMs),
        signingAlgorithm: ALGORITHM,
        publicKey: keys.publicKey,
        signingKey: caKeys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([
            x509.ExtendedKeyUsage.serverAuth,
            x509.ExtendedKeyUsage.clientAuth,
          ]),
          new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'ip', value }))),
        ],
      });
      const key = x509.PemConverter.encode(
        await webcrypto.subtle.exportKey('pkcs8', keys.privateKey),
        'PRIVATE KEY',
      );
      return { caPem: ca.toString('pem'), certificatePem: certificate.toString('pem'), keyPem: key };
    },
  };
}
