import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { initAuthority, issueCertificates, renewCertificates } from '../../../src/cli/certs-folder.js';
import { isFine, showCertificates, shownText } from '../../../src/cli/certs-show.js';
import { DAY_MS } from '../../../src/gateway/rpc/certificate-status.js';
import {
  createAuthority,
  createThrowAwayAuthority,
  openAuthority,
} from '../../../src/gateway/rpc/certificates.js';
import { certificateNames, readTlsFiles } from '../../../src/gateway/rpc/grpc-tls.js';
import { parseIp } from '../../../src/packet/address.js';

let root: string;
let pki: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'psp-gateway-certs-'));
  pki = join(root, 'pki');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string) => join(pki, name);
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const read = (name: string) => new X509Certificate(readFileSync(at(name)));
const contents = () =>
  new Map(existsSync(pki) ? readdirSync(pki).map((name) => [name, readFileSync(at(name), 'utf8')]) : []);
const init = (days = 3650) => initAuthority(pki, { name: 'Tests', days }, []);
const issue = (hosts: readonly string[], days?: number) => issueCertificates(pki, hosts, days, []);
const renew = (hosts: readonly string[] = [], days?: number) => renewCertificates(pki, hosts, days, []);
const daysOf = (name: string) => Math.round((Date.parse(read(name).validTo) - Date.now()) / DAY_MS);

/** Nothing was written, and all of this was told. */
async function refused(
  work: Promise<{ written: readonly string[]; problems: readonly string[] }>,
  ...problems: readonly (string | RegExp)[]
): Promise<void> {
  const before = contents();
  const result = await work;
  expect(result).toEqual({
    written: [],
    problems: problems.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))),
  });
  expect(contents()).toEqual(before);
}

describe('certs init', () => {
  test('makes an authority that nobody else can read, in a folder that nobody else can look into', async () => {
    expect(await init(100)).toEqual({ written: [at('ca.key'), at('ca.pem')], problems: [] });
    expect([modeOf(pki), modeOf(at('ca.key'))]).toEqual(['700', '600']);
    const ca = read('ca.pem');
    expect([ca.ca, ca.subject, daysOf('ca.pem')]).toEqual([true, 'CN=Tests', 100]);
    expect(readdirSync(pki).sort()).toEqual(['ca.key', 'ca.pem']);
  });

  test('replaces nothing, and takes no folder that is open to others', async () => {
    await init();
    await refused(
      init(),
      `${at('ca.pem')} exists: an authority is not replaced; name another folder`,
      `${at('ca.key')} exists: an authority is not replaced; name another folder`,
    );
    rmSync(at('ca.pem'));
    await refused(init(), /ca\.key exists/);
    rmSync(at('ca.key'));
    chmodSync(pki, 0o755);
    await refused(
      init(),
      `${pki}: others may look into it (mode 755); chmod 700 ${pki}, or name a new folder`,
    );
    chmodSync(pki, 0o700);
    expect((await init()).problems).toEqual([]);
    writeFileSync(join(root, 'file'), '');
    await refused(
      initAuthority(join(root, 'file'), { name: 'x', days: 1 }, ['--days: bad']),
      '--days: bad',
      /file/,
    );
  });
});

describe('certs issue', () => {
  test('makes certificates with the names that were given, which a gateway takes, also later', async () => {
    await init();
    expect((await issue(['10.0.0.1', 'FD00::1'])).written).toEqual(
      ['10.0.0.1.key', '10.0.0.1.pem', 'fd00--1.key', 'fd00--1.pem'].map(at),
    );
    const later = await issue(['spiffe://example.org/gw/3,10.0.0.3,GW3.example.org'], 90);
    expect(later.written).toEqual(['spiffe-example.org-gw-3.key', 'spiffe-example.org-gw-3.pem'].map(at));
    const names = certificateNames(read('spiffe-example.org-gw-3.pem'));
    expect(new Set(names.map(({ type, value }) => `${type} ${value}`))).toEqual(
      new Set(['uri spiffe://example.org/gw/3', 'ip 10.0.0.3', 'dns gw3.example.org']),
    );
    expect([daysOf('10.0.0.1.pem'), daysOf('spiffe-example.org-gw-3.pem')]).toEqual([365, 90]);
    for (const name of ['10.0.0.1', 'fd00--1', 'spiffe-example.org-gw-3']) {
      const files = { caPath: at('ca.pem'), certificatePath: at(`${name}.pem`), keyPath: at(`${name}.key`) };
      expect(() => readTlsFiles(files, Date.now())).not.toThrow();
      expect(modeOf(at(`${name}.key`))).toBe('600');
      expect(read(`${name}.pem`).verify(read('ca.pem').publicKey)).toBe(true);
    }
  });

  test('lives no longer than its authority, and says so where more was asked for', async () => {
    await init(20);
    await issue(['10.0.0.1']);
    expect(read('10.0.0.1.pem').validTo).toBe(read('ca.pem').validTo);
    await refused(issue(['10.0.0.2'], 30), '--days: 30 is longer than the authority lives, which is 19');
  });

  test('tells all that is wrong at once, and then writes nothing', async () => {
    await refused(
      issue(['10.0.0.1']),
      /^.*pki: has no authority \(.*ca\.pem, .*ca\.key\); psp-gateway certs init makes one$/,
    );
    await init();
    await issue(['10.0.0.1']);
    chmodSync(at('ca.key'), 0o644);
    await refused(
      issue(
        [
          '10.0.0.1',
          '10.0.0.300',
          '*.example.org',
          'bücher.example',
          'spiffe://Example.org/x',
          '10.0.0.2',
          '10.0.0.2',
          'spiffe://a/b,spiffe://a/c',
        ],
        99_999,
      ),
      /ca\.key: others may read or write it \(mode 644\); chmod 600/,
      /10\.0\.0\.1\.pem exists: psp-gateway certs renew makes a new one of it/,
      /10\.0\.0\.1\.key exists/,
      /10\.0\.0\.300/,
      /wildcards name nobody/,
      /write xn--bcher-kva\.example, as it stands in certificates/,
      /is not a SPIFFE ID/,
      '10.0.0.2: is there twice',
      'spiffe://a/b,spiffe://a/c: a certificate has one SPIFFE ID at most',
      /--days: 99999 is longer/,
    );
  });

  test.each<[string, (ca: { certificatePem: string; keyPem: string }) => Record<string, string>, RegExp]>([
    ['whose key is another one', () => ({}), /its key is not that of its certificate/],
    [
      'whose key is no key',
      () => ({ 'ca.key': 'nothing' }),
      /its key is not PEM of a key without passphrase/,
    ],
    [
      'that is no certificate',
      () => ({ 'ca.pem': 'nothing' }),
      /its certificate is not PEM of a certificate/,
    ],
    [
      'that is none, but a certificate of one',
      ({ certificatePem, keyPem }) => ({ 'ca.pem': certificatePem, 'ca.key': keyPem }),
      /its certificate is not that of an authority/,
    ],
  ])('by an authority %s is refused', async (_, files, reason) => {
    await init();
    const other = await createThrowAwayAuthority();
    const leaf = await other.issue({ commonName: 'x', ips: [parseIp('10.0.0.9')] });
    writeFileSync(at('ca.key'), (await createAuthority({ commonName: 'x', validityDays: 1 })).keyPem);
    for (const [name, text] of Object.entries(files(leaf))) writeFileSync(at(name), text);
    await refused(issue(['10.0.0.1']), reason);
  });
});

describe('certs renew', () => {
  test('issues anew what the authority has issued, with other keys, under the same names, for as long', async () => {
    await init();
    await issue(['10.0.0.1,gw1.example.org'], 30);
    await issue(['10.0.0.2'], 60);
    const stranger = await createThrowAwayAuthority();
    writeFileSync(at('other.pem'), (await stranger.issue({ commonName: 'x', ips: [] })).certificatePem);
    const before = contents();
    expect((await renew()).written).toEqual(
      ['10.0.0.1.key', '10.0.0.1.pem', '10.0.0.2.key', '10.0.0.2.pem'].map(at),
    );
    const after = contents();
    const changed = [...after].filter(([name, text]) => before.get(name) !== text).map(([name]) => name);
    expect(changed.sort()).toEqual(['10.0.0.1.key', '10.0.0.1.pem', '10.0.0.2.key', '10.0.0.2.pem']);
    expect(certificateNames(read('10.0.0.1.pem')).map(({ value }) => value)).toEqual([
      '10.0.0.1',
      'gw1.example.org',
    ]);
    expect([daysOf('10.0.0.1.pem'), daysOf('10.0.0.2.pem')]).toEqual([30, 60]);
    await renew(['10.0.0.2'], 7);
    expect([daysOf('10.0.0.1.pem'), daysOf('10.0.0.2.pem')]).toEqual([30, 7]);
    expect(
      readTlsFiles(
        { caPath: at('ca.pem'), certificatePath: at('10.0.0.2.pem'), keyPath: at('10.0.0.2.key') },
        Date.now(),
      ),
    ).toBeDefined();
  });

  test('of nothing, of what is not there, or of somebody else’s is told', async () => {
    await init();
    await refused(
      renew(),
      `${pki}: no certificate there was issued by its authority; psp-gateway certs issue makes one`,
    );
    const stranger = await createThrowAwayAuthority();
    writeFileSync(at('10.0.0.9.pem'), (await stranger.issue({ commonName: 'x', ips: [] })).certificatePem);
    await refused(renew(), /no certificate there was issued/);
    await issue(['10.0.0.1']);
    await refused(
      renew(['10.0.0.9', '10.0.0.8', '10.0.0.1']),
      `${at('10.0.0.9.pem')}: was not issued by the authority in ${pki}`,
      `${at('10.0.0.8.pem')}: there is no such file or folder (ENOENT)`,
    );
  });
});

describe('an authority that others have made', () => {
  test.each(['P-256', 'P-384', 'P-521'])('with a key on %s issues', async (namedCurve) => {
    const { webcrypto } = await import('node:crypto');
    await import('reflect-metadata');
    const x509 = await import('@peculiar/x509');
    const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve }, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        name: 'CN=x',
        keys,
        signingAlgorithm: { name: 'ECDSA', hash: 'SHA-512' },
        extensions: [new x509.BasicConstraintsExtension(true)],
      },
      webcrypto,
    );
    const key = x509.PemConverter.encode(
      await webcrypto.subtle.exportKey('pkcs8', keys.privateKey),
      'PRIVATE KEY',
    );
    const authority = await openAuthority(certificate.toString('pem'), key);
    const issued = await authority.issue({ commonName: 'x', ips: [parseIp('10.0.0.1')] });
    expect(
      new X509Certificate(issued.certificatePem).verify(
        new X509Certificate(certificate.toString('pem')).publicKey,
      ),
    ).toBe(true);
  });
});

describe('certs show', () => {
  const show = (...paths: string[]) => showCertificates(paths, Date.now());

  test('says of a folder what its certificates are, and whether their keys fit', async () => {
    await init();
    await issue(['10.0.0.1,spiffe://example.org/gw/1'], 30);
    await issue(['10.0.0.2'], 14);
    const { certificates, problems } = show(pki);
    expect(problems).toEqual([]);
    expect(certificates).toMatchObject([
      {
        file: at('10.0.0.1.pem'),
        names: ['ip:10.0.0.1', 'uri:spiffe://example.org/gw/1'],
        issuer: 'CN=Tests',
        state: 'valid',
        daysLeft: 29,
        key: { file: at('10.0.0.1.key'), fits: true },
      },
      { state: 'expires-soon', daysLeft: 13 },
      { file: at('ca.pem'), subject: 'CN=Tests', names: [], state: 'valid', key: { fits: true } },
    ]);
    expect(certificates.map(isFine)).toEqual([true, false, true]);
    writeFileSync(at('10.0.0.1.key'), readFileSync(at('10.0.0.2.key')));
    const [wrong] = show(at('10.0.0.1.pem')).certificates;
    expect([wrong!.key, isFine(wrong!)]).toEqual([{ file: at('10.0.0.1.key'), fits: false }, false]);
    expect(shownText(wrong!)).toContain(`${at('10.0.0.1.key')} IS NOT ITS KEY`);
    rmSync(at('10.0.0.1.key'));
    const [without] = show(at('10.0.0.1.pem')).certificates;
    expect([without!.key, isFine(without!)]).toEqual([null, true]);
  });

  test('says what has ended, and all certificates of a chain', async () => {
    await init();
    const authority = await openAuthority(
      readFileSync(at('ca.pem'), 'utf8'),
      readFileSync(at('ca.key'), 'utf8'),
    );
    const ended = await authority.issue({
      commonName: 'a',
      ips: [],
      notAfter: new Date(Date.now() - 3.5 * DAY_MS),
    });
    writeFileSync(at('tls.crt'), ended.certificatePem + authority.caPem);
    writeFileSync(at('tls.key'), ended.keyPem);
    const { certificates } = show(at('tls.crt'));
    expect(certificates).toMatchObject([
      { subject: 'CN=a', state: 'expired', daysLeft: -4, key: { fits: true } },
      { subject: 'CN=Tests', state: 'valid', key: null },
    ]);
    expect(shownText(certificates[0]!)).toContain('EXPIRED 4 days ago');
    expect(shownText(certificates[0]!)).toContain('(none: it tells nobody)');
    expect(isFine(certificates[0]!)).toBe(false);
  });

  test('says of files that are none what they are', () => {
    mkdirSync(pki);
    writeFileSync(at('a.pem'), 'nothing');
    expect(show(pki, join(root, 'none'))).toEqual({
      certificates: [],
      problems: [
        `${join(root, 'none')}: there is no such file or folder (ENOENT)`,
        `${at('a.pem')}: not PEM of the kind that belongs here`,
      ],
    });
    rmSync(at('a.pem'));
    expect(show(pki).problems).toEqual([`${pki}: no certificates there (*.pem, *.crt, *.cer)`]);
  });
});
