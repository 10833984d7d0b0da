/** `psp-gateway events`: what happens in a running gateway, until it is interrupted. */
import { Command } from 'commander';
import type { Event } from '../admin/admin-api.js';
import { escapedInJson, printable } from '../base/printable.js';
import { type AdminFlags, jsonText, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';
import { complain } from './output.js';

const EXAMPLES = `Every event is there, whatever the gateway's log level and however many there are; who reads too slowly loses some, and is told how many.

  psp-gateway events
  psp-gateway events --json | jq 'select(.event == "tunnel-established")'`;

export function eventsCommand(): Command {
  const command = withAdminFlags(
    new Command('events').description('print what happens in a running gateway, as it happens, until Ctrl-C'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: AdminFlags) =>
    withGateway(command, flags, async (client) => {
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
      await client.watch((event) => print(event, flags), stop.signal);
    }),
  );
}

function print(event: Event, { json }: AdminFlags): void {
  const { atUnixMs, type, level, text, fields, lostBefore } = event;
  const time = new Date(Number(atUnixMs)).toISOString();
  if (lostBefore > 0n && json !== true)
    complain(`${lostBefore} events were lost: they were not read in time`);
  const values = fields.map(({ name, text: word, number, flag }) => [name, word ?? number ?? flag] as const);
  if (json === true) {
    const object = { time, event: type, level, text, lostBefore, ...Object.fromEntries(values) };
    console.log(escapedInJson(jsonText(object)));
    return;
  }
  const rest = values.map(([name, value]) => `${name}=${value}`).join(' ');
  console.log(printable(`${time} ${level.toUpperCase().padEnd(8)} ${text} ${rest}`.trimEnd()));
}
