/** `psp-gateway certs show`: what certificates say, how long they live, and whether their keys lie beside them. */
import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../base/printable.js';
import { fileProblem } from '../files/file-problem.js';
import { readTextFile } from '../files/read-file.js';
import { statOf } from '../files/stat.js';
import { certificatesIn, statusOf } from '../gateway/rpc/certificate-reading.js';
import { type CertificateState, daysUntil, EXPIRY_WARNING_DAYS } from '../gateway/rpc/certificate-status.js';
import { certificateNames, PEM_OCTETS_MAX } from '../gateway/rpc/grpc-tls.js';
import { identityText } from '../gateway/rpc/identity.js';

/** Files of a folder that are looked at. */
const FILES_MAX = 10_000;
const ENDINGS = /\.(pem|crt|cer)$/;

/** One certificate, as `--json` has it. */
export interface ShownCertificate {
  readonly file: string;
  readonly subject: string;
  /** Names that tell a gateway, such as ip:10.0.0.1; what else stands there tells nobody. */
  readonly names: readonly string[];
  readonly issuer: string;
  readonly fingerprint: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days; negative: it has ended. */
  readonly daysLeft: number;
  readonly state: CertificateState;
  /** The file with its key, and whether it fits; null: none lies beside it, or it is not the first of its file. */
  readonly key: { readonly file: string; readonly fits: boolean } | null;
}

export interface Shown {
  readonly certificates: readonly ShownCertificate[];
  readonly problems: readonly string[];
}

/** Reads certificates of files and of whole folders, at a moment of wall time. */
export function showCertificates(paths: readonly string[], nowMs: number): Shown {
  const problems: string[] = [];
  const files = paths.flatMap((path) => filesAt(path, problems));
  return { certificates: files.flatMap((file) => certificatesOf(file, nowMs, problems)), problems };
}

/** Whether everything is right with a certificate, and will be for a while. */
export function isFine({ state, key }: ShownCertificate): boolean {
  return state === 'valid' && key?.fits !== false;
}

/** For people. */
export function shownText(one: ShownCertificate): string {
  const { file, subject, names, issuer, notBefore, notAfter, key } = one;
  const rows = [
    ['subject', subject || '(none)'],
    ['names', names.join(', ') || '(none: it tells nobody)'],
    ['issuer', issuer],
    ['valid', `${notBefore} to ${notAfter}, ${lifeText(one)}`],
    ...(key === null ? [] : [['key', key.fits ? key.file : `${key.file} IS NOT ITS KEY`]]),
  ];
  return [file, ...rows.map(([what, text]) => `  ${what!.padEnd(8)}${text}`)].map(printable).join('\n');
}

function lifeText({ state, daysLeft }: ShownCertificate): string {
  if (state === 'expired') return `EXPIRED ${-daysLeft} days ago`;
  if (state === 'not-yet-valid') return 'NOT VALID YET';
  const left = `${daysLeft} days left`;
  return state === 'valid' ? left : `${left}: ENDS WITHIN ${EXPIRY_WARNING_DAYS} DAYS`;
}

function filesAt(path: string, problems: string[]): string[] {
  try {
    if (!statOf(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => ENDINGS.test(name) && !isKeyFile(name));
    if (names.length === 0) problems.push(`${path}: no certificates there (*.pem, *.crt, *.cer)`);
    if (names.length > FILES_MAX)
      problems.push(`${path}: ${names.length} files; the first ${FILES_MAX} are shown`);
    return names
      .sort()
      .slice(0, FILES_MAX)
      .map((name) => join(path, name));
  } catch (error) {
    problems.push(told(error, path));
    return [];
  }
}

/** Names under which others keep keys in PEM. */
function isKeyFile(name: string): boolean {
  return /(^|[.-])key\.pem$/.test(name);
}

function certificatesOf(file: string, nowMs: number, problems: string[]): ShownCertificate[] {
  let certificates: X509Certificate[];
  try {
    certificates = certificatesIn(readTextFile(file, PEM_OCTETS_MAX));
  } catch (error) {
    problems.push(told(error, file));
    return [];
  }
  return certificates.map((certificate, i) => {
    const { subject, issuer, fingerprint, notBeforeMs, notAfterMs, state } = statusOf(
      certificate,
      { role: 'own', path: file },
      nowMs,
    );
    return {
      file,
      subject,
      names: certificateNames(certificate).map(identityText),
      issuer,
      fingerprint,
      notBefore: new Date(notBeforeMs).toISOString(),
      notAfter: new Date(notAfterMs).toISOString(),
      daysLeft: daysUntil(notAfterMs, nowMs),
      state,
      key: i === 0 ? keyOf(file, certificate, problems) : null,
    };
  });
}

/** The key beside a certificate: the same name with .key, which cert-manager and SPIFFE helpers use too. */
function keyOf(file: string, certificate: X509Certificate, problems: string[]): ShownCertificate['key'] {
  const path = file.replace(ENDINGS, '.key');
  if (path === file || !existsSync(path)) return null;
  try {
    return {
      file: path,
      fits: certificate.checkPrivateKey(createPrivateKey(readTextFile(path, PEM_OCTETS_MAX))),
    };
  } catch (error) {
    problems.push(told(error, path));
    return { file: path, fits: false };
  }
}

function told(error: unknown, path: string): string {
  return fileProblem(error, path)?.text ?? `${path}: not PEM of the kind that belongs here`;
}
