/** The folder of `psp-gateway certs`: an authority that is kept, and the certificates that it has issued. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileProblem } from '../files/file-problem.js';
import { mustTakeFiles } from '../files/folders.js';
import { readTextFile } from '../files/read-file.js';
import { type NewFile, replaceFiles } from '../files/replace-file.js';
import { statIfThere, statOf } from '../files/stat.js';
import { attempt } from '../gateway/config/addresses.js';
import { parseIdentity } from '../gateway/config/identities.js';
import { certificatesIn, validityOf } from '../gateway/rpc/certificate-reading.js';
import { DAY_MS } from '../gateway/rpc/certificate-status.js';
import {
  type Authority,
  AuthorityError,
  createAuthority,
  type IssuedCertificate,
  openAuthority,
} from '../gateway/rpc/certificates.js';
import { certificateNames, PEM_OCTETS_MAX } from '../gateway/rpc/grpc-tls.js';
import type { CertificateName } from '../gateway/rpc/transport.js';

const CA_CERTIFICATE = 'ca.pem';
const CA_KEY = 'ca.key';
export const AUTHORITY_DAYS_DEFAULT = 3650;
export const HOST_DAYS_DEFAULT = 365;
/** X.520's limit on a common name, which is for people only. */
const COMMON_NAME_CHARACTERS_MAX = 64;
const OPEN_TO_OTHERS = 0o077;
const WRITING = { readers: 'private', durable: true } as const;

/** What a command has written, or all that is wrong; then it has written nothing. */
export interface CertsResult {
  readonly written: readonly string[];
  readonly problems: readonly string[];
}

/** The names of one certificate, and the file that it has. */
interface Host {
  readonly names: readonly CertificateName[];
  readonly fileName: string;
}

const failed = (problems: readonly string[]): CertsResult => ({ written: [], problems });

/** Makes an authority in a folder that has none. Throws what the file system throws. */
export async function initAuthority(
  folder: string,
  { name, days }: { readonly name: string; readonly days: number },
  problems: readonly string[],
): Promise<CertsResult> {
  const found = [...problems, ...folderProblems(folder)];
  for (const file of [CA_CERTIFICATE, CA_KEY].map((one) => join(folder, one)))
    if (existsSync(file)) found.push(`${file} exists: an authority is not replaced; name another folder`);
  if (found.length > 0) return failed(found);
  const { certificatePem, keyPem } = await createAuthority({ commonName: name, validityDays: days });
  const options = { ...WRITING, replace: false };
  const files: NewFile[] = [
    { name: CA_KEY, content: keyPem, options },
    { name: CA_CERTIFICATE, content: certificatePem, options },
  ];
  return { written: await replaceFiles(folder, files, 'private'), problems: [] };
}

/** Issues a certificate for each host: names with commas between. Throws what the file system throws. */
export async function issueCertificates(
  folder: string,
  hosts: readonly string[],
  days: number | undefined,
  problems: readonly string[],
): Promise<CertsResult> {
  const { found, authority } = await begun(folder, problems);
  const all = new Map<string, Host>();
  for (const text of hosts) {
    const host = hostOf(text, found);
    if (host === undefined) continue;
    if (all.has(host.fileName)) found.push(`${text}: is there twice`);
    all.set(host.fileName, host);
    for (const file of filesOf(folder, host.fileName))
      if (existsSync(file)) found.push(`${file} exists: psp-gateway certs renew makes a new one of it`);
  }
  const notAfter = authority && endOf(authority, days, HOST_DAYS_DEFAULT, found);
  if (authority === undefined || notAfter === undefined || found.length > 0) return failed(found);
  return write(
    folder,
    authority.authority,
    [...all.values()].map((host) => ({ ...host, notAfter })),
    false,
  );
}

/**
 * Issues certificates anew, with new keys, under the same names, for as long as before or `days`: of `hosts`, or all that the
 * authority of the folder has issued there. Throws what the file system throws.
 */
export async function renewCertificates(
  folder: string,
  hosts: readonly string[],
  days: number | undefined,
  problems: readonly string[],
): Promise<CertsResult> {
  const { found, authority } = await begun(folder, problems);
  const wanted = hosts.flatMap((text) => hostOf(text, found)?.fileName ?? []);
  if (authority === undefined || found.length > 0) return failed(found);
  const stems = hosts.length > 0 ? wanted : stemsIn(folder);
  const renewed: (Host & { notAfter: Date })[] = [];
  for (const fileName of new Set(stems)) {
    const [path] = filesOf(folder, fileName);
    const old = attemptRead(path!, found);
    if (old === undefined) continue;
    if (!old.verify(authority.certificate.publicKey)) {
      // Somebody else's may lie beside them.
      if (hosts.length > 0) found.push(`${path}: was not issued by the authority in ${folder}`);
      continue;
    }
    const { notBeforeMs, notAfterMs } = validityOf(old);
    const before = Math.max(1, Math.round((notAfterMs - notBeforeMs) / DAY_MS));
    const notAfter = endOf(authority, days, before, found);
    if (notAfter !== undefined) renewed.push({ fileName, names: certificateNames(old), notAfter });
  }
  if (renewed.length === 0 && found.length === 0)
    found.push(
      `${folder}: no certificate there was issued by its authority; psp-gateway certs issue makes one`,
    );
  if (found.length > 0) return failed([...new Set(found)]);
  return write(folder, authority.authority, renewed, true);
}

async function write(
  folder: string,
  authority: Authority,
  hosts: readonly (Host & { readonly notAfter: Date })[],
  replace: boolean,
): Promise<CertsResult> {
  const files: NewFile[] = [];
  for (const { names, fileName, notAfter } of hosts) {
    const { certificatePem, keyPem } = await issue(authority, names, notAfter);
    const options = { ...WRITING, replace };
    files.push({ name: `${fileName}.key`, content: keyPem, options });
    files.push({ name: `${fileName}.pem`, content: certificatePem, options });
  }
  return { written: await replaceFiles(folder, files, 'private'), problems: [] };
}

function issue(
  authority: Authority,
  names: readonly CertificateName[],
  notAfter: Date,
): Promise<IssuedCertificate> {
  const of = (type: 'dns' | 'uri') => names.flatMap((name) => (name.type === type ? [name.value] : []));
  return authority.issue({
    commonName: names[0]!.value.slice(0, COMMON_NAME_CHARACTERS_MAX),
    ips: names.flatMap((name) => (name.type === 'ip' ? [name.value] : [])),
    dnsNames: of('dns'),
    uris: of('uri'),
    notAfter,
  });
}

interface Opened {
  readonly authority: Authority;
  readonly certificate: X509Certificate;
}

/** What is wrong so far, which grows, and the folder's authority, where it has one. */
async function begun(folder: string, problems: readonly string[]) {
  const found = [...problems, ...folderProblems(folder)];
  return { found, authority: await authorityIn(folder, found) };
}

/** The authority of a folder; undefined when there is none that can be used, and why is among `problems`. */
async function authorityIn(folder: string, problems: string[]): Promise<Opened | undefined> {
  const [caPath, keyPath] = [join(folder, CA_CERTIFICATE), join(folder, CA_KEY)];
  const missing = [caPath, keyPath].filter((path) => !existsSync(path));
  if (missing.length > 0) {
    problems.push(`${folder}: has no authority (${missing.join(', ')}); psp-gateway certs init makes one`);
    return undefined;
  }
  const mode = Number(statOf(keyPath).mode);
  if ((mode & OPEN_TO_OTHERS) !== 0)
    problems.push(`${keyPath}: others may read or write it (mode ${octal(mode)}); chmod 600 ${keyPath}`);
  try {
    const [caPem, keyPem] = [caPath, keyPath].map((path) => readTextFile(path, PEM_OCTETS_MAX));
    return { authority: await openAuthority(caPem!, keyPem!), certificate: certificatesIn(caPem!)[0]! };
  } catch (error) {
    const reason = error instanceof AuthorityError ? error.message : fileProblem(error)?.text;
    if (reason === undefined) throw error;
    problems.push(`${folder}: the authority cannot be used: ${reason}`);
    return undefined;
  }
}

/** The end of a certificate that lives for so many days; undefined when its authority does not live as long. */
function endOf(
  { certificate }: Opened,
  given: number | undefined,
  otherwise: number,
  problems: string[],
): Date | undefined {
  const { notAfterMs } = validityOf(certificate);
  const nowMs = Date.now();
  const most = Math.floor((notAfterMs - nowMs) / DAY_MS);
  if (nowMs > notAfterMs) {
    problems.push(`the authority has ended, on ${new Date(notAfterMs).toISOString()}; make another one`);
    return undefined;
  }
  if (given !== undefined && given > most) {
    problems.push(`--days: ${given} is longer than the authority lives, which is ${most}`);
    return undefined;
  }
  return new Date(Math.min(nowMs + (given ?? otherwise) * DAY_MS, notAfterMs));
}

function folderProblems(folder: string): string[] {
  try {
    mustTakeFiles(folder);
  } catch (error) {
    const problem = fileProblem(error);
    if (problem === undefined) throw error;
    return [problem.text];
  }
  const mode = Number(statIfThere(folder)?.mode ?? 0);
  if ((mode & OPEN_TO_OTHERS) === 0) return [];
  return [
    `${folder}: others may look into it (mode ${octal(mode)}); chmod 700 ${folder}, or name a new folder`,
  ];
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8);
}

/** A host as users write it; undefined where that is wrong, which is noted. */
function hostOf(text: string, problems: string[]): Host | undefined {
  const parsed = text.split(',').map((one) => attempt(() => parseIdentity(one.trim())));
  const reasons = parsed.flatMap((one) => ('reason' in one ? [one.reason] : []));
  const names = parsed.flatMap((one) => ('value' in one ? [one.value] : []));
  const uris = names.filter(({ type }) => type === 'uri').length;
  if (uris > 1) reasons.push(`${text}: a certificate has one SPIFFE ID at most`);
  problems.push(...reasons);
  if (reasons.length > 0) return undefined;
  // Colons and slashes do not belong into names of files.
  return { names, fileName: names[0]!.value.replace('://', '-').replace(/[:/]/g, '-') };
}

function filesOf(folder: string, fileName: string): string[] {
  return [join(folder, `${fileName}.pem`), join(folder, `${fileName}.key`)];
}

/** Names of certificates in a folder, without their ending; the authority's is not among them. */
function stemsIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.pem') && name !== CA_CERTIFICATE);
  return names.map((name) => name.slice(0, -'.pem'.length)).sort();
}

function attemptRead(path: string, problems: string[]): X509Certificate | undefined {
  try {
    return new X509Certificate(readTextFile(path, PEM_OCTETS_MAX));
  } catch (error) {
    problems.push(fileProblem(error, path)?.text ?? `${path}: not PEM of a certificate`);
    return undefined;
  }
}
