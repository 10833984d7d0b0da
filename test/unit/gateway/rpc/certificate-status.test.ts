import { describe, expect, test } from 'vitest';
import { certificatesIn } from '../../../../src/gateway/rpc/certificate-reading.js';
import { DAY_MS, daysUntil, stateAt } from '../../../../src/gateway/rpc/certificate-status.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';

describe('certificates of a PEM text', () => {
  test('are all of them, in their order, whatever stands between them', async () => {
    const [one, two] = [await createThrowAwayAuthority(), await createThrowAwayAuthority()];
    const read = certificatesIn(`# old\n${one.caPem}\nnew:\n${two.caPem.replaceAll('\n', '\r\n')}`);
    expect(read.map((certificate) => `${certificate.toString()}`)).toEqual([one.caPem, two.caPem]);
  });

  test('are none where one of them is cut or is no certificate', async () => {
    const { caPem } = await createThrowAwayAuthority();
    const whole = certificatesIn(caPem).length;
    expect(whole).toBe(1);
    for (const length of [0, 10, 100, caPem.length - 5])
      expect(() => certificatesIn(caPem.slice(0, length)), String(length)).toThrow();
    expect(() => certificatesIn(caPem + caPem.slice(0, 100))).toThrow('not a whole certificate');
    expect(() => certificatesIn(caPem.slice(0, 100) + caPem)).toThrow();
    expect(() =>
      certificatesIn(`${caPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`),
    ).toThrow();
    expect(() => certificatesIn(caPem.replaceAll('CERTIFICATE', 'PRIVATE KEY'))).toThrow();
  });
});

test('states change at the moments that the certificate names, and 14 days before its end', () => {
  const life = { notBeforeMs: 1000, notAfterMs: 1000 + 30 * DAY_MS };
  const at = (ms: number) => stateAt(ms, life);
  expect([at(999), at(1000)]).toEqual(['not-yet-valid', 'valid']);
  expect([at(999 + 16 * DAY_MS), at(1000 + 16 * DAY_MS)]).toEqual(['valid', 'expires-soon']);
  expect([at(life.notAfterMs), at(life.notAfterMs + 1)]).toEqual(['expires-soon', 'expired']);
});

test('days are whole ones, and behind the end less than none', () => {
  expect([daysUntil(DAY_MS, 0), daysUntil(DAY_MS - 1, 0), daysUntil(-1, 0)]).toEqual([1, 0, -1]);
});
