import type { Static } from 'typebox';
import { link } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** A link that was cut carries again. */
export interface Mend extends At {
  readonly type: 'mend';
  readonly link: string;
}

const schema = eventSchema('mend', link('the link carries again'));

export const mend: EventKind<Mend, Static<typeof schema>> = {
  schema,
  example: { at: '1s', mend: 'h1:p0' },
  read(form, { atMs, subject, names }) {
    const found = names.links.find(form.mend, subject);
    return found === undefined ? [] : [{ atMs, type: 'mend', link: found }];
  },
  write: (event) => ({ mend: event.link }),
  happen: (event, { network }) => network.mend(event.link),
  needs: (event) => ({ links: [event.link] }),
  search: {},
  arbitrary: (values) => ({ type: 'mend', link: values.link() }),
};
