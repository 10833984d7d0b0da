/** `psp-gateway certificates`, older than `certs`: a throw-away authority and certificates, for trying gateways by hand. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { printable } from '../base/printable.js';
import { fileProblem } from '../files/file-problem.js';
import { mustTakeFiles } from '../files/folders.js';
import { type NewFile, replaceFiles } from '../files/replace-file.js';
import { parseOwnIp } from '../gateway/config/addresses.js';
import { createThrowAwayAuthority } from '../gateway/rpc/certificates.js';
import { AddressError, type IpAddress } from '../packet/address.js';
import { failAtFile } from './failure.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_USAGE } from './output.js';

interface CertificatesOptions {
  readonly out?: string;
  readonly host?: readonly string[];
  readonly force: boolean;
}

/** The result of the command, or its failure, for its caller to print. */
export interface CertificatesResult {
  readonly written: readonly string[];
  readonly problems: readonly string[];
}

/** A service address as part of a file name: colons do not belong there on every system. */
function fileNameOf(host: IpAddress): string {
  return host.replaceAll(':', '-');
}

/**
 * Writes ca.pem and, for each host, HOST.pem and HOST.key into `out`, all of them or none. Writes nothing when there are
 * problems: those of `flags`, hosts that are no IP addresses, or files that exist and `force` is false. Throws what the file
 * system throws.
 */
export async function writeCertificates(
  { out, host = [], force }: CertificatesOptions,
  flags?: FlagProblems,
): Promise<CertificatesResult> {
  const problems = [...(flags?.list ?? [])];
  const hosts = new Set<IpAddress>();
  for (const text of host) {
    try {
      hosts.add(parseOwnIp(text));
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      problems.push(`--host: ${error.message}`);
    }
  }
  if (host.length === 0 && flags?.has('--host') !== true)
    problems.push('--host: is required; name the service address of each gateway');
  if (out === undefined) {
    if (flags?.has('--out') !== true) problems.push('--out: is required; name a folder');
    return { written: [], problems };
  }
  try {
    mustTakeFiles(out);
  } catch (error) {
    const problem = fileProblem(error);
    if (problem === undefined) throw error;
    problems.push(`--out: ${problem.text}`);
  }
  const names = ['ca.pem', ...[...hosts].flatMap((ip) => [`${fileNameOf(ip)}.pem`, `${fileNameOf(ip)}.key`])];
  const existing = force ? [] : names.map((name) => join(out, name)).filter((path) => existsSync(path));
  problems.push(...existing.map((path) => `${path} exists; --force replaces it`));
  if (problems.length > 0) return { written: [], problems };

  const authority = await createThrowAwayAuthority();
  const files = new Map([['ca.pem', authority.caPem]]);
  for (const ip of hosts) {
    const { certificatePem, keyPem } = await authority.issue({ commonName: ip, ips: [ip] });
    files.set(`${fileNameOf(ip)}.pem`, certificatePem);
    files.set(`${fileNameOf(ip)}.key`, keyPem);
  }
  const options = { readers: 'private', durable: true, replace: force } as const;
  const all = [...files].map(([name, content]): NewFile => ({ name, content, options }));
  return { written: await replaceFiles(out, all, 'private'), problems: [] };
}

/** The command, to be added to the program. */
export function certificatesCommand(): Command {
  const command = new Command('certificates')
    .description('make a throw-away authority and a certificate per gateway, to try gateways by hand')
    .option('--out <dir>', 'folder to write ca.pem, HOST.pem and HOST.key to; required')
    .option('--host <ip...>', 'service address of each gateway; required')
    .option('--force', 'replace files that exist', false)
    .addHelpText(
      'after',
      '\nThe key of the authority is thrown away. psp-gateway certs keeps it, and can add a gateway later.',
    );
  const wrong = new FlagProblems(command);
  return command.action(async (options: CertificatesOptions) => {
    try {
      const { written, problems } = await writeCertificates(options, wrong);
      for (const path of written) console.log(printable(path));
      for (const problem of problems) complain(problem);
      if (problems.length > 0) process.exitCode = EXIT_USAGE;
    } catch (error) {
      failAtFile(error);
    }
  });
}
