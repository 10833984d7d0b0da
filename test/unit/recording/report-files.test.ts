import { describe, expect, test } from 'vitest';
import { logWithoutSecrets, ReportContents } from '../../../src/recording/report-files.js';

describe('a log for a report', () => {
  const key = Buffer.alloc(32, 0xa7);

  test.each([
    `INFO key of 1 spi=0x00000001 key=${key.toString('hex')}`,
    `{"level":"INFO","key":"${key.toString('hex').toUpperCase()}"}`,
    `key 0x${key.subarray(0, 16).toString('hex')}`,
    `octets=${Buffer.alloc(90, 3).toString('hex')}`,
    `a key: ${key.toString('base64')}`,
    `a key: ${key.subarray(0, 16).toString('base64')}`,
    '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----',
  ])('has no keys and no octets: %s', (line) => {
    const { text, takenOut } = logWithoutSecrets(`before\n${line}\nbehind\n`);
    expect(takenOut).toBe(1);
    expect(text).toMatch(/^before\n[\s\S]*\(left out\)[\s\S]*\nbehind\n$/);
    expect(text).not.toMatch(/a7a7|A7A7|0303|p6en|MIGH/);
  });

  test('has everything else', () => {
    const log = [
      '2026-12-01T15:44:57.894Z INFO peer seen peer=[2001:db8::1]:3000 spi=0x00000001 mac=02:bc:9c:a0:86:89',
      'tunnel established localVip=fd00::33 fingerprint=AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC',
    ].join('\n');
    expect(logWithoutSecrets(log)).toEqual({ text: log, takenOut: 0 });
  });
});

test('a name of a file makes no lines of its own in the contents', () => {
  const contents = new ReportContents();
  contents.add('a\nLeft out:\n\u001b[31m.log', 'a log', '');
  contents.leaveOut('b\nc', 'no\nreason');
  expect(contents.text().split('\n')).toHaveLength(6);
  expect(contents.text()).not.toContain('\u001b');
});

test('a report says what is in it and what is not, and keeps names apart', () => {
  const contents = new ReportContents();
  contents.add('a.log', 'a log', 'x');
  contents.add('a.log', 'another log', 'yy');
  contents.leaveOut('b', 'it is a folder');
  expect(contents.files.map(({ name }) => name)).toEqual(['a.log', '2-a.log']);
  expect(contents.text()).toBe(
    'In this report:\na.log: a log, 1 octets\n2-a.log: another log, 2 octets\n\nLeft out:\nb: it is a folder\n',
  );
});
