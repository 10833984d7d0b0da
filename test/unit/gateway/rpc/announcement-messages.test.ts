/** What gateways of this program tell each other of their start, on the wire and back. */
import { expect, test } from 'vitest';
import {
  decodeAnnouncement,
  decodeAnnouncementAnswer,
  encodeAnnouncement,
  encodeAnnouncementAnswer,
} from '../../../../src/gateway/rpc/announcement-messages.js';

test('an announcement arrives as it was sent, with its age in whole milliseconds, and never from the future', () => {
  const one = { ageMs: 1234, servicePort: 3000, packetsFail: true };
  expect(decodeAnnouncement(encodeAnnouncement(one))).toEqual(one);
  const ages = [0.2, 7, -5].map((ageMs) => decodeAnnouncement(encodeAnnouncement({ ...one, ageMs })).ageMs);
  expect(ages).toEqual([1, 7, 0]);
  expect(decodeAnnouncement(encodeAnnouncement({ ...one, packetsFail: false })).packetsFail).toBe(false);
});

test('an answer says for how many sessions new keys are asked for', () => {
  expect(
    [0, 1, 65_536].map(
      (sessions) => decodeAnnouncementAnswer(encodeAnnouncementAnswer({ sessions })).sessions,
    ),
  ).toEqual([0, 1, 65_536]);
});

test('what is neither is refused by its name, and nothing of a message without end is read', () => {
  const refusal = (decode: () => unknown) => {
    try {
      return decode();
    } catch (error) {
      return `${(error as { code: string }).code}: ${(error as { details: string }).details}`;
    }
  };
  const garbage = Uint8Array.of(0xff, 0xff);
  expect(refusal(() => decodeAnnouncement(garbage))).toMatch(/^INVALID_ARGUMENT: not an Announcement: ./);
  expect(refusal(() => decodeAnnouncementAnswer(garbage))).toMatch(
    /^INVALID_ARGUMENT: not an AnnouncementAnswer: ./,
  );
  // Fields by the thousand, each of them valid.
  const many = new Uint8Array(200_000).fill(0x10).map((octet, i) => (i % 2 === 0 ? octet : 1));
  expect(refusal(() => decodeAnnouncement(many))).toMatch(/^INVALID_ARGUMENT: not an Announcement: ./);
});
