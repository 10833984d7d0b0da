/** `psp-gateway certs`: an authority that is kept, certificates of it, and what certificates say. */
import { Command, InvalidArgumentError } from 'commander';
import { escapedInJson, printable } from '../base/printable.js';
import {
  AUTHORITY_DAYS_DEFAULT,
  type CertsResult,
  HOST_DAYS_DEFAULT,
  initAuthority,
  issueCertificates,
  renewCertificates,
} from './certs-folder.js';
import { isFine, showCertificates, shownText } from './certs-show.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_FAILED, EXIT_USAGE } from './output.js';

const DAYS_MAX = 36_500;
const NAME_CHARACTERS_MAX = 64;

const HELP = `
An authority for three gateways, one of them added later, and told by a SPIFFE ID besides its address:

  psp-gateway certs init pki
  psp-gateway certs issue pki 10.0.0.1 10.0.0.2
  psp-gateway certs issue pki 10.0.0.3,spiffe://example.org/gateway/3
  psp-gateway certs show pki

A gateway needs pki/ca.pem (--tls-ca), and its own certificate (--tls-cert) and key (--tls-key). pki/ca.key stays where it is: who
has it can be any gateway. New certificates are taken by gateways that run: copy them over the old ones.`;

const ISSUE_HELP = `
A HOST is the service address of a gateway, by which peers know it. Where the policy of a session file names gateways otherwise, it may
be a DNS name or a SPIFFE ID; several names of one gateway stand with commas between them. Its files have the name of the first.

  psp-gateway certs issue pki 10.0.0.1 fd00::1
  psp-gateway certs issue pki 10.0.0.3,gw3.example.org,spiffe://example.org/gateway/3 --days 90

Exit status: 0 written; 1 failed; 2 wrong usage or files, of which all is told and nothing is written.`;

const RENEW_HELP = `
Without HOST all that the authority has issued in DIR is renewed, under the same names, with new keys, for as long as before. Old
certificates stay valid until they end. The authority itself is not renewed: make another one in a folder of its own before it ends,
let gateways trust both (cat old/ca.pem new/ca.pem), issue with the new one, then take the old one away.

  psp-gateway certs renew pki
  psp-gateway certs renew pki 10.0.0.3 --days 30

Exit status: 0 written; 1 failed; 2 wrong usage or files, of which all is told and nothing is written.`;

const SHOW_HELP = `
Of a folder the files *.pem, *.crt and *.cer are shown. A key is looked for beside its certificate: NAME.key.

  psp-gateway certs show pki || echo 'renew them'

Exit status: 0 all are valid for more than 14 days, and their keys fit; 1 one of them is not; 2 wrong usage, or a file that cannot be read.`;

const INIT_HELP = `
Writes ca.pem and ca.key (mode 0600) into DIR (mode 0700). What is there is never replaced.

  psp-gateway certs init pki --name 'Example gateways' --days 1825

Exit status: 0 written; 1 failed; 2 wrong usage or files, of which all is told and nothing is written.`;

interface Flags {
  readonly days?: number;
}

/** The command, to be added to the program. */
export function certsCommand(): Command {
  const command = new Command('certs')
    .description('certificates of gateways: an authority that is kept, and what it issues')
    .addHelpText('after', HELP);

  const init = sub(command, 'init', 'make an authority')
    .argument('<dir>', 'its folder')
    .option('--name <text>', 'what it is called', parseName, 'psp-gateway authority')
    .option('--days <n>', 'how long it lives', parseDays, AUTHORITY_DAYS_DEFAULT)
    .addHelpText('after', INIT_HELP);
  const initProblems = new FlagProblems(init);
  init.action((dir: string, flags: { readonly name: string; readonly days: number }) =>
    finish(() => initAuthority(dir, flags, initProblems.list)),
  );

  const issue = sub(command, 'issue', 'issue certificates for gateways')
    .argument('<dir>', "the authority's folder")
    .argument('<host...>', 'names of each gateway')
    .option(
      '--days <n>',
      `how long they live (default: ${HOST_DAYS_DEFAULT}, or as long as the authority)`,
      parseDays,
    )
    .addHelpText('after', ISSUE_HELP);
  const issueProblems = new FlagProblems(issue);
  issue.action((dir: string, hosts: readonly string[], { days }: Flags) =>
    finish(() => issueCertificates(dir, hosts, days, issueProblems.list)),
  );

  const renew = sub(command, 'renew', 'issue certificates anew, under the same names')
    .argument('<dir>', "the authority's folder")
    .argument('[host...]', 'the first name of each gateway; all when left out')
    .option('--days <n>', 'how long they live (default: as long as before)', parseDays)
    .addHelpText('after', RENEW_HELP);
  const renewProblems = new FlagProblems(renew);
  renew.action((dir: string, hosts: readonly string[], { days }: Flags) =>
    finish(() => renewCertificates(dir, hosts, days, renewProblems.list)),
  );

  const show = sub(command, 'show', 'say what certificates are, and how long they live')
    .argument('[path...]', 'files and folders; the current folder when left out')
    .option('--json', 'print an array of certificates', false)
    .addHelpText('after', SHOW_HELP);
  const showProblems = new FlagProblems(show);
  show.action((paths: readonly string[], { json }: { readonly json: boolean }) =>
    printShown(paths.length > 0 ? paths : ['.'], json, showProblems.list),
  );
  return command;
}

function sub(command: Command, name: string, summary: string): Command {
  return command.command(name).description(summary);
}

async function finish(work: () => Promise<CertsResult>): Promise<void> {
  try {
    const { written, problems } = await work();
    for (const path of written) console.log(printable(path));
    for (const problem of problems) complain(problem);
    if (problems.length > 0) process.exitCode = EXIT_USAGE;
  } catch (error) {
    failAtFile(error);
  }
}

function printShown(paths: readonly string[], json: boolean, flagProblems: readonly string[]): void {
  const { certificates, problems } = showCertificates(paths, Date.now());
  if (json) process.stdout.write(`${escapedInJson(JSON.stringify(certificates, null, 2))}\n`);
  else if (certificates.length > 0) process.stdout.write(`${certificates.map(shownText).join('\n\n')}\n`);
  for (const problem of [...flagProblems, ...problems]) complain(problem);
  if (flagProblems.length + problems.length > 0) process.exitCode = EXIT_USAGE;
  else if (!certificates.every(isFine)) process.exitCode = EXIT_FAILED;
}

function parseDays(text: string): number {
  const days = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= DAYS_MAX) return days;
  throw new InvalidArgumentError(`a number of days from 1 to ${DAYS_MAX}`);
}

function parseName(text: string): string {
  if (text.trim() !== '' && text.length <= NAME_CHARACTERS_MAX) return text;
  throw new InvalidArgumentError(`1 to ${NAME_CHARACTERS_MAX} characters`);
}
