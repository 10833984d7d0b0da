/** `psp-gateway certificates`: a throw-away authority and certificates, for trying gateways by hand. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { createThrowAwayAuthority } from '../gateway/certificates.js';
import { AddressError, type IpAddress, parseIp } from '../packet/address.js';

/** Exit status for wrong arguments, as in the other commands. */
const EXIT_USAGE = 2;
/** Only the owner may read or change the files. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

interface CertificatesOptions {
  readonly out: string;
  readonly host: readonly string[];
  readonly force: boolean;
}

/** What the command did or could not do, for its caller to print. */
export interface CertificatesResult {
  readonly written: readonly string[];
  readonly problems: readonly string[];
}

/** A service address as part of a file name: colons do not belong there on every system. */
function fileNameOf(host: IpAddress): string {
  return host.replaceAll(':', '-');
}

/**
 * Writes ca.pem and, for each host, HOST.pem and HOST.key into `out`. Writes nothing when there are problems: hosts
 * that are no IP addresses, or files that exist and `force` is false.
 */
export async function writeCertificates({
  out,
  host,
  force,
}: CertificatesOptions): Promise<CertificatesResult> {
  const problems: string[] = [];
  const hosts = new Set<IpAddress>();
  for (const text of host) {
    try {
      hosts.add(parseIp(text));
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      problems.push(`--host: ${error.message}`);
    }
  }
  if (problems.length > 0) return { written: [], problems };

  const authority = await createThrowAwayAuthority();
  const files = new Map([['ca.pem', authority.caPem]]);
  for (const ip of hosts) {
    const { certificatePem, keyPem } = await authority.issue({ commonName: ip, ips: [ip] });
    files.set(`${fileNameOf(ip)}.pem`, certificatePem);
    files.set(`${fileNameOf(ip)}.key`, keyPem);
  }
  mkdirSync(out, { recursive: true, mode: DIRECTORY_MODE });
  return writeFiles(out, files, force);
}

function writeFiles(out: string, files: ReadonlyMap<string, string>, force: boolean): CertificatesResult {
  const existing = force
    ? []
    : [...files.keys()].map((name) => join(out, name)).filter((path) => existsSync(path));
  if (existing.length > 0) {
    return { written: [], problems: existing.map((path) => `${path} exists; --force replaces it`) };
  }
  const written: string[] = [];
  for (const [name, text] of files) {
    const path = join(out, name);
    // Removed first: writing into a file that exists would keep its mode, or follow a link.
    if (force) rmSync(path, { force: true });
    writeFileSync(path, text, { mode: FILE_MODE, flag: 'wx' });
    written.push(path);
  }
  return { written, problems: [] };
}

/** The command, to be added to the program. */
export function certificatesCommand(): Command {
  return new Command('certificates')
    .description('make a throw-away authority and a certificate per gateway, to try gateways by hand')
    .requiredOption('--out <dir>', 'folder to write ca.pem, HOST.pem and HOST.key to')
    .requiredOption('--host <ip...>', 'service address of each gateway')
    .option('--force', 'replace files that exist', false)
    .action(async (options: CertificatesOptions) => {
      const { written, problems } = await writeCertificates(options);
      for (const path of written) console.log(path);
      for (const problem of problems) console.error(problem);
      if (problems.length > 0) process.exitCode = EXIT_USAGE;
    });
}
