import type { Static } from 'typebox';
import { link } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** A link that was cut carries again. */
export interface RestoreLink extends At {
  readonly type: 'restore-link';
  readonly link: string;
}

const schema = eventSchema('restore-link', link('the link carries again'));

export const restoreLink: EventKind<RestoreLink, Static<typeof schema>> = {
  formerName: 'mend',
  schema,
  example: { at: '1s', 'restore-link': 'h1:p0' },
  read(parsed, { atMs, subject, names }) {
    const found = names.links.find(parsed['restore-link'], subject);
    return found === undefined ? [] : [{ atMs, type: 'restore-link', link: found }];
  },
  write: (event) => ({ 'restore-link': event.link }),
  happen: (event, { network }) => network.restoreLink(event.link),
  needs: (event) => ({ links: [event.link] }),
  search: {},
  arbitrary: (values) => ({ type: 'restore-link', link: values.link() }),
};
