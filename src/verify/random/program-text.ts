/** A program on one line, for who has to read what a device did otherwise. */
import type { ActionTemplate, Forward, MatchTemplate, Pipe, PipeProgram } from '../../hal/program.js';

const TEXT_MAX = 6000;

export function programText(program: PipeProgram): string {
  const text = program.pipes.map(pipeText).join('; ');
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}...`;
}

function pipeText(pipe: Pipe): string {
  const head = `${pipe.name} (${pipe.type}, ${pipe.domain})`;
  const miss = `else ${forwardText(pipe.miss)}`;
  if (pipe.type === 'basic') {
    const actions = (pipe.actions ?? []).map(actionsText).join(' or ');
    const entries = (pipe.entries ?? []).map(({ match = {} }) => `{${fieldsText(match)}}`).join(' ');
    return [
      head,
      `if ${matchText(pipe.match)}`,
      ...(entries === '' ? ['without entries'] : [`with ${entries}`]),
      ...(actions === '' ? [] : [actions]),
      pipe.forward === 'entry' ? 'as entries say' : forwardText(pipe.forward),
      miss,
    ].join(', ');
  }
  const entries = (pipe.entries ?? []).map(({ priority, match, condition, actions, forward }) =>
    [
      `${priority}: if ${matchText(match)}`,
      ...(condition === undefined ? [] : [`${condition.field} ${condition.operation} ${condition.value}`]),
      ...(actions === undefined ? [] : [actionsText(actions)]),
      forwardText(forward),
    ].join(', '),
  );
  return `${head} [${entries.join(' | ')}], ${miss}`;
}

function forwardText(forward: Forward): string {
  if (forward.to === 'pipe') return `to ${forward.pipe}`;
  return forward.to === 'port' ? `to port ${forward.port}` : `to ${forward.to}`;
}

const valueText = (value: unknown) =>
  value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : `${value}`;

const fieldsText = (fields: object) =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${valueText(value)}`)
    .join(' ');

function matchText(match: MatchTemplate): string {
  const fields = Object.entries(match).map(
    ([name, { value, mask }]) =>
      `${name} ${valueText(value)}${mask === undefined ? '' : `/${valueText(mask)}`}`,
  );
  return fields.length === 0 ? 'any' : fields.join(' and ');
}

function actionsText({ decrypt, decap, set, encap, encrypt }: ActionTemplate): string {
  return [
    ...(decrypt === true ? ['decrypt'] : []),
    ...(decap === undefined ? [] : [`decap ${decap.netType}`]),
    ...Object.keys(set ?? {}).map((name) => `set ${name}`),
    ...(encap === undefined ? [] : [`encap ${encap.netType} ${encap.outer}${encap.cookie ? ' cookie' : ''}`]),
    ...(encrypt === undefined ? [] : [`encrypt with ${encrypt.cryptoId}`]),
  ].join(', ');
}
