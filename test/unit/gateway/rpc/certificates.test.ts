import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeCertificates } from '../../../../src/cli/certificates.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import { certificateNames, readTlsFiles, TlsFilesError } from '../../../../src/gateway/rpc/grpc-tls.js';
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
    expect(problems()).toEqual([
      expect.stringContaining(files().caPath),
      expect.stringContaining(files().keyPath),
      expect.stringContaining(files().certificatePath),
    ]);
  });

  test("another certificate's key is refused, and its text is not in the error", async () => {
    await writeFiles();
    const stranger = await (await createThrowAwayAuthority()).issue({ commonName: 'x', ips: [V4] });
    writeFileSync(files().keyPath, stranger.keyPem);
    expect(problems()).toEqual([expect.stringContaining('not the key of certificate')]);
    expect(problems()[0]).not.toContain(stranger.keyPem.split('\n')[1]);
  });

  test('a certificate that has expired, or is not valid yet, is refused', async () => {
    await writeFiles(new Date(Date.now() - 1000));
    expect(problems()).toEqual([expect.stringContaining('expired on')]);
    await writeFiles();
    expect(problems(0)).toEqual([
      expect.stringContaining('not valid before'),
      expect.stringContaining('not valid before'),
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
