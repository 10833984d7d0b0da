import type { Static } from 'typebox';
import { link } from '../file/schema-values.js';
import { type At, type EventKind, eventSchema } from './kind.js';

/** The link carries nothing from now on. */
export interface Cut extends At {
  readonly type: 'cut';
  readonly link: string;
}

const schema = eventSchema('cut', link('the link carries nothing'));

export const cut: EventKind<Cut, Static<typeof schema>> = {
  schema,
  example: { at: '1s', cut: 'h1:p0' },
  read(parsed, { atMs, subject, names }) {
    const found = names.links.find(parsed.cut, subject);
    return found === undefined ? [] : [{ atMs, type: 'cut', link: found }];
  },
  write: (event) => ({ cut: event.link }),
  happen: (event, { network }) => network.cut(event.link),
  needs: (event) => ({ links: [event.link] }),
  search: {
    fault: {
      turns: [3],
      draw(rng, { atMs, base, say }) {
        const { name } = rng.pick(base.links);
        say(`cut ${name} at ${atMs} ms`);
        return [{ atMs, type: 'cut', link: name }];
      },
    },
  },
  arbitrary: (values) => ({ type: 'cut', link: values.link() }),
};
