import 'reflect-metadata';
import { constants, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { writeCertificates } from '../../../../src/cli/certificates.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import {
  atCertificateEnd,
  certificateNames,
  readTlsFiles,
  secureContextOptions,
  serverIdentityProblem,
  TlsFilesError,
} from '../../../../src/gateway/rpc/grpc-tls.js';
import type { IpAddress } from '../../../../src/packet/address.js';

const V4 = '192.0.2.7' as IpAddress;
const V6 = '2001:db8::a' as IpAddress;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-certificates-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the throw-away authority', () => {
  test('its certificates are signed by it, name what was asked for, and fit their keys', async () => {
    const authority = await createThrowAwayAuthority();
    const issued = await authority.issue({ commonName: 'h1', ips: [V4, V6], dnsNames: ['H1.example'] });
    const certificate = new X509Certificate(issued.certificatePem);
    expect(certificate.verify(new X509Certificate(authority.caPem).publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificateNames(certificate)).toEqual([
      { type: 'ip', value: V4 },
      { type: 'ip', value: V6 },
      { type: 'dns', value: 'h1.example' },
    ]);
    const other = await createThrowAwayAuthority();
    expect(certificate.verify(new X509Certificate(other.caPem).publicKey)).toBe(false);
  });

  test('a DNS name that looks like a list of names gives no address', async () => {
    const authority = await createThrowAwayAuthority();
    for (const name of ['x, IP Address:192.0.2.7, y', 'a,IP Address:192.0.2.7', 'IP Address:192.0.2.7']) {
      const issued = await authority.issue({ commonName: 'h1', ips: [V6], dnsNames: [name] });
      expect(certificateNames(new X509Certificate(issued.certificatePem))).toEqual([
        { type: 'ip', value: V6 },
      ]);
    }
  });
});

describe('what an authority of ours issues', () => {
  const HOUR_MS = 3_600_000;
  const DAY_MS = 24 * HOUR_MS;

  test('is for both ends of TLS and for nothing else, and the authority for certificates only', async () => {
    const authority = await createThrowAwayAuthority();
    const issued = await authority.issue({ commonName: 'h1', ips: [V4] });
    const [root, leaf] = [authority.caPem, issued.certificatePem].map((pem) => new x509.X509Certificate(pem));
    const extensions = (of: x509.X509Certificate) => ({
      constraints: of.getExtension(x509.BasicConstraintsExtension),
      usages: of.getExtension(x509.KeyUsagesExtension),
    });
    expect(extensions(root!)).toMatchObject({
      constraints: { ca: true, pathLength: 0, critical: true },
      usages: { usages: x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, critical: true },
    });
    expect(extensions(leaf!)).toMatchObject({
      constraints: { ca: false, pathLength: undefined, critical: true },
      usages: { usages: x509.KeyUsageFlags.digitalSignature, critical: true },
    });
    expect(leaf!.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      x509.ExtendedKeyUsage.serverAuth,
      x509.ExtendedKeyUsage.clientAuth,
    ]);
    expect([root!.subject, leaf!.issuer, leaf!.subject]).toEqual([
      'CN=psp-gateway throw-away authority',
      'CN=psp-gateway throw-away authority',
      'CN=h1',
    ]);
    const own = root!.getExtension(x509.SubjectKeyIdentifierExtension)!;
    expect(leaf!.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId).toBe(own.keyId);
    // RFC 5280, sections 4.2.1.1 and 4.2.1.2.
    expect(
      [own, leaf!.getExtension(x509.AuthorityKeyIdentifierExtension)!].map(({ critical }) => critical),
    ).toEqual([false, false]);
    for (const { publicKey } of [root!, leaf!])
      expect(publicKey.algorithm).toMatchObject({ name: 'ECDSA', namedCurve: 'P-256' });
    // RFC 5280, section 4.1.2.2: positive, at most 20 octets; and no two alike.
    const serials = [root!, leaf!].map(({ serialNumber }) => serialNumber);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
    expect(new Set(serials).size).toBe(2);
    for (const pem of [authority.caPem, issued.certificatePem, issued.keyPem])
      expect(pem).toMatch(/-----\n$/);
  });

  test('is valid from an hour ago for so many days, or until it is told', async () => {
    const around = (date: Date, atMs: number) => expect(Math.abs(date.getTime() - atMs)).toBeLessThan(60_000);
    for (const [days, given] of [
      [30, []],
      [2, [2]],
    ] as const) {
      const now = Date.now();
      const authority = await createThrowAwayAuthority(...given);
      const issued = await authority.issue({ commonName: 'h1', ips: [V4] });
      for (const pem of [authority.caPem, issued.certificatePem]) {
        const { notBefore, notAfter } = new x509.X509Certificate(pem);
        around(notBefore, now - HOUR_MS);
        around(notAfter, now + days * DAY_MS);
      }
    }
    const authority = await createThrowAwayAuthority();
    const [soon, past] = [new Date(Date.now() + 5000), new Date(Date.now() - 2 * DAY_MS)];
    const until = async (notAfter: Date) =>
      new x509.X509Certificate(
        (await authority.issue({ commonName: 'h1', ips: [V4], notAfter })).certificatePem,
      );
    around((await until(soon)).notBefore, Date.now() - HOUR_MS);
    around((await until(soon)).notAfter, soon.getTime());
    // One that has ended was valid once.
    around((await until(past)).notBefore, past.getTime() - DAY_MS);
    around((await until(past)).notAfter, past.getTime());
  });
});

describe('names of a certificate, as Node renders them', () => {
  const names = (subjectAltName: string | undefined) =>
    certificateNames({ subjectAltName } as X509Certificate).map(({ type, value }) => `${type} ${value}`);

  test.each<[string | undefined, string[]]>([
    [undefined, []],
    ['', []],
    ['DNS:a.example', ['dns a.example']],
    ['DNS:A.Example, IP Address:192.0.2.7', ['dns a.example', 'ip 192.0.2.7']],
    ['IP Address:2001:DB8:0:0:0:0:0:A, DNS:b', ['ip 2001:db8::a', 'dns b']],
    ['DNS:_x-1.y_, DNS:-a, DNS:a-, DNS:a..b, DNS:*.a, DNS:a., DNS:', []],
    ['DNS:_x-1.y, DNS:a', ['dns _x-1.y', 'dns a']],
    ['URI:http://192.0.2.7, DNS:a', ['dns a']],
    ['DirName:"CN=DNS:b, IP Address:192.0.2.7", DNS:a', ['dns a']],
    ['DNS:"a, IP Address:192.0.2.7", DNS:b', ['dns b']],
    ['DNS:"a\\", IP Address:192.0.2.7", DNS:b', ['dns b']],
    ['IP Address:<invalid>, IP Address:192.0.2.8', ['ip 192.0.2.8']],
    ['othername:<unsupported>, email:a@b, Registered ID:1.2, DNS:a', ['dns a']],
    // Whatever follows what is malformed is no name.
    ['DNS:a, ?, IP Address:192.0.2.7', ['dns a']],
  ])('%s', (text, expected) => {
    expect(names(text)).toEqual(expected);
    expect(names(text)).toEqual(expected);
  });

  test('a server must name the address at which it is called', async () => {
    const authority = await createThrowAwayAuthority();
    const problem = async (...ips: IpAddress[]) => {
      const { certificatePem } = await authority.issue({ commonName: V4, ips, dnsNames: [V4] });
      return serverIdentityProblem(V4, undefined, new X509Certificate(certificatePem).raw)?.message;
    };
    expect(await problem(V6, V4)).toBeUndefined();
    expect(await problem(V6)).toBe(
      "the server's certificate does not name the peer's service address 192.0.2.7 (it names IP Address:2001:DB8:0:0:0:0:0:A, DNS:192.0.2.7): issue it with that address, or correct the address here",
    );
  });
});

test('our ends of TLS speak 1.3 with our authority only, and give out no tickets', () => {
  const tls = { caPem: 'a', certificatePem: 'b', keyPem: 'c' };
  expect(secureContextOptions(tls)).toEqual({
    ca: 'a',
    cert: 'b',
    key: 'c',
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
});

test('the end of a certificate comes when the clock has come to it, unless nobody waits for it any more', async () => {
  const clock = createVirtualClock(Date.parse('2026-01-01T00:00:00Z'));
  const certificate = { validTo: 'Jan  1 00:01:00 2026 GMT' } as X509Certificate;
  let ends = 0;
  atCertificateEnd(certificate, Number.POSITIVE_INFINITY, clock, () => ends++);
  atCertificateEnd(certificate, Number.POSITIVE_INFINITY, clock, () => ends++).cancel();
  await clock.advance(59_999);
  expect(ends).toBe(0);
  await clock.advance(1);
  expect(ends).toBe(1);
});

test('the first end counts: of our own certificates, of the other end, and of those between it and its authority', async () => {
  const start = Date.parse('2026-01-01T00:00:00Z');
  const to = (seconds: number) => new Date(start + seconds * 1000).toUTCString();
  const chain = (...ends: readonly number[]): X509Certificate =>
    ends.reduceRight<unknown>(
      (issuerCertificate, seconds) => ({ validTo: to(seconds), issuerCertificate }),
      undefined,
    ) as X509Certificate;
  const endOf = async (own: number, ...ends: readonly number[]) => {
    const clock = createVirtualClock(start);
    let endedAtMs = Number.NaN;
    atCertificateEnd(chain(...ends), start + own * 1000, clock, () => {
      endedAtMs = clock.nowMs();
    });
    await clock.advance(100_000);
    return (endedAtMs - start) / 1000;
  };
  expect(await endOf(50, 20, 40)).toBe(20);
  expect(await endOf(50, 40, 20, 60)).toBe(20);
  expect(await endOf(50, 60, 80, 30)).toBe(30);
  expect(await endOf(10, 20, 40)).toBe(10);
  // An old certificate of an authority that is signed by another one as well.
  expect(await endOf(50, 40, -5, 60)).toBe(40);
  // One of a peer that has ended by our clock, and not yet by that of TLS.
  expect(await endOf(50, -1)).toBe(0);
  const loop = { validTo: to(7), issuerCertificate: undefined as unknown };
  loop.issuerCertificate = loop;
  const clock = createVirtualClock(start);
  let ends = 0;
  atCertificateEnd(loop as X509Certificate, Number.POSITIVE_INFINITY, clock, () => ends++);
  await clock.advance(7000);
  expect(ends).toBe(1);
});

describe('reading TLS files', () => {
  const files = () => ({
    caPath: join(folder, 'ca.pem'),
    certificatePath: join(folder, 'h.pem'),
    keyPath: join(folder, 'h.key'),
  });

  async function writeFiles(notAfter?: Date) {
    const authority = await createThrowAwayAuthority();
    const issued = await authority.issue({
      commonName: 'h1',
      ips: [V4],
      ...(notAfter === undefined ? {} : { notAfter }),
    });
    writeFileSync(files().caPath, authority.caPem);
    writeFileSync(files().certificatePath, issued.certificatePem);
    writeFileSync(files().keyPath, issued.keyPem);
    return { authority, issued };
  }

  function problems(nowMs = Date.now()): readonly string[] {
    try {
      readTlsFiles(files(), nowMs);
      return [];
    } catch (error) {
      expect(error).toBeInstanceOf(TlsFilesError);
      return (error as TlsFilesError).problems;
    }
  }

  test('files that belong together are read', async () => {
    const { authority, issued } = await writeFiles();
    expect(readTlsFiles(files(), Date.now())).toEqual({ caPem: authority.caPem, ...issued });
  });

  test('every file that is missing or malformed is named', () => {
    writeFileSync(files().certificatePath, 'no certificate');
    const missing = (path: string) => `there is no file ${path}`;
    expect(problems()).toEqual([
      `authority ${missing(files().caPath)}`,
      `key ${missing(files().keyPath)}`,
      `certificate ${files().certificatePath}: not PEM of the kind that belongs here`,
    ]);
  });

  test('what is malformed is told by itself, whatever is right beside it', async () => {
    const { caPath, certificatePath, keyPath } = files();
    const no = (what: string, path: string) => `${what} ${path}: not PEM of the kind that belongs here`;
    for (const [what, path] of [
      ['authority', caPath],
      ['certificate', certificatePath],
      ['key', keyPath],
    ] as const) {
      await writeFiles();
      writeFileSync(path, 'nothing');
      expect(problems()).toEqual([no(what, path)]);
    }
    for (const path of [caPath, certificatePath, keyPath]) writeFileSync(path, 'nothing');
    expect(() => readTlsFiles(files(), Date.now())).toThrow(
      `the TLS files cannot be used:\n  ${no('authority', caPath)}\n  ${no('certificate', certificatePath)}\n  ${no('key', keyPath)}`,
    );
  });

  test("another certificate's key is refused, and its text is not in the error", async () => {
    await writeFiles();
    const stranger = await (await createThrowAwayAuthority()).issue({ commonName: 'x', ips: [V4] });
    writeFileSync(files().keyPath, stranger.keyPem);
    const { certificatePath, keyPath } = files();
    expect(problems()).toEqual([`key ${keyPath}: not the key of certificate ${certificatePath}`]);
    expect(problems()[0]).not.toContain(stranger.keyPem.split('\n')[1]);
  });

  test('an authority that has ended does no harm beside one that is valid', async () => {
    const { authority } = await writeFiles();
    const old = await createThrowAwayAuthority(-1);
    writeFileSync(files().caPath, old.caPem);
    expect(problems()).toEqual([expect.stringMatching(/^authority .*ca\.pem: expired on /)]);
    for (const pem of [old.caPem + authority.caPem, authority.caPem + old.caPem]) {
      writeFileSync(files().caPath, pem);
      expect(problems()).toEqual([]);
    }
    writeFileSync(files().caPath, authority.caPem + old.caPem.slice(0, 200));
    expect(problems()).toEqual([`authority ${files().caPath}: not PEM of the kind that belongs here`]);
  });

  test('a certificate that has expired, or is not valid yet, is refused', async () => {
    await writeFiles(new Date(Date.now() - 1000));
    expect(problems()).toEqual([
      expect.stringMatching(/^certificate .*h\.pem: expired on [A-Z][a-z]{2} .* GMT; renew it$/),
    ]);
    const { certificate } = await writeFiles().then(({ issued }) => ({
      certificate: new X509Certificate(issued.certificatePem),
    }));
    for (const end of [certificate.validFrom, certificate.validTo])
      expect(problems(Date.parse(end))).toEqual([]);
    await writeFiles();
    expect(problems(0)).toEqual([
      expect.stringMatching(
        /^authority .*ca\.pem: not valid before [A-Z][a-z]{2} .* GMT; this machine's clock says \d{4}-.*Z$/,
      ),
      expect.stringMatching(
        /^certificate .*h\.pem: not valid before [A-Z][a-z]{2} .* GMT; this machine's clock says \d{4}-.*Z$/,
      ),
    ]);
  });
});

describe('psp-gateway certificates', () => {
  test('writes files that only the owner can read, and that the gateway takes', async () => {
    const out = join(folder, 'new');
    const { written, problems } = await writeCertificates({ out, host: [V4, V6, V4], force: false });
    expect(problems).toEqual([]);
    const names = ['ca.pem', `${V4}.pem`, `${V4}.key`, '2001-db8--a.pem', '2001-db8--a.key'];
    expect(written).toEqual(names.map((name) => join(out, name)));
    for (const path of written) expect(statSync(path).mode & 0o777).toBe(0o600);
    readTlsFiles(
      {
        caPath: join(out, 'ca.pem'),
        certificatePath: join(out, '2001-db8--a.pem'),
        keyPath: join(out, '2001-db8--a.key'),
      },
      Date.now(),
    );
  });

  test('leaves files that exist alone unless told otherwise', async () => {
    const target = join(folder, 'elsewhere');
    writeFileSync(target, 'precious');
    symlinkSync(target, join(folder, `${V4}.key`));
    const refused = await writeCertificates({ out: folder, host: [V4], force: false });
    expect(refused.written).toEqual([]);
    expect(refused.problems).toEqual([expect.stringContaining(`${V4}.key exists`)]);
    const forced = await writeCertificates({ out: folder, host: [V4], force: true });
    expect(forced.problems).toEqual([]);
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(readFileSync(join(folder, `${V4}.key`), 'utf8')).toContain('PRIVATE KEY');
  });

  test('names every host that is no address, and writes nothing', async () => {
    const { written, problems } = await writeCertificates({
      out: folder,
      host: ['one', V4, '../two'],
      force: false,
    });
    expect(written).toEqual([]);
    expect(problems).toHaveLength(2);
  });
});
