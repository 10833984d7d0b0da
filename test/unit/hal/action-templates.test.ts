/** What no device takes in one action template, whatever the pipe's domain: the two directions of PSP together. */
import { expect, test } from 'vitest';
import type { ActionTemplate, Domain } from '../../../src/hal/program.js';
import { validateProgram } from '../../../src/hal/validate.js';

const INWARDS = {
  decrypt: { decrypt: true },
  decap: { decap: { netType: 'psp-tunnel', ethernetHeader: new Uint8Array(14) } },
} as const satisfies Record<string, ActionTemplate>;
const OUTWARDS = {
  encap: { encap: { netType: 'psp-tunnel', outer: 'ipv6', cookie: false } },
  encrypt: { encrypt: { cryptoId: 1 } },
} as const satisfies Record<string, ActionTemplate>;
const DOMAINS: readonly Domain[] = ['default', 'secure-ingress', 'egress', 'secure-egress'];

/** Problems of templates in a pipe of a domain. */
function problems(templates: ActionTemplate | readonly ActionTemplate[], domain: Domain): string[] {
  const found = validateProgram({
    name: 'one template',
    pipes: [
      {
        type: 'control',
        name: 'ROOT',
        domain: 'default',
        isRoot: true,
        sizeEntries: 1,
        miss: { to: 'drop' },
      },
      {
        type: 'basic',
        name: 'PIPE',
        domain,
        sizeEntries: 1,
        match: {},
        actions: [templates].flat(),
        forward: { to: 'drop' },
        miss: { to: 'drop' },
      },
    ],
  });
  return found.flatMap(({ place }) =>
    place.pipe === 'PIPE' && place.field !== undefined ? [place.field] : [],
  );
}

test('each action alone has a domain', () => {
  for (const template of [...Object.values(INWARDS), ...Object.values(OUTWARDS)]) {
    expect(DOMAINS.some((domain) => problems(template, domain).length === 0)).toBe(true);
  }
});

test('decrypt or decap with encap or encrypt has none, and one of the two is named', () => {
  for (const [inwards, one] of Object.entries(INWARDS)) {
    for (const [outwards, other] of Object.entries(OUTWARDS)) {
      for (const domain of DOMAINS) {
        const named = problems({ ...one, ...other }, domain);
        expect(named.filter((field) => field === inwards || field === outwards)).not.toEqual([]);
      }
    }
  }
});

test('a pipe has as many templates as an octet can name', () => {
  const templates = (count: number): ActionTemplate[] => Array.from({ length: count }, () => ({}));
  expect(problems(templates(256), 'default')).toEqual([]);
  expect(problems(templates(257), 'default')).toEqual(['actions']);
});
