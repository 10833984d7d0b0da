/** What of files may go into a report that leaves the machine. */
import { printable } from '../base/printable.js';
import type { TarFile } from '../files/tar.js';

/** Limit on one file of a report. */
export const REPORT_FILE_OCTETS_MAX = 512 * 1024 * 1024;

/** Of the end of a name. */
const NAME_CHARACTERS_MAX = 60;

/** What is in a report, and what is not, and why. */
export class ReportContents {
  readonly files: TarFile[] = [];
  readonly about: { readonly name: string; readonly what: string; readonly octets: number }[] = [];
  readonly leftOut: { readonly what: string; readonly why: string }[] = [];

  /** A name that is there already gets a number. */
  add(given: string, what: string, content: Uint8Array | string): void {
    const name = this.#freeName(given.slice(-NAME_CHARACTERS_MAX));
    const octets = typeof content === 'string' ? Buffer.from(content) : content;
    if (octets.length > REPORT_FILE_OCTETS_MAX) {
      this.leaveOut(name, `it has ${octets.length} octets, and ${REPORT_FILE_OCTETS_MAX} are taken at most`);
      return;
    }
    this.files.push({ name, content: octets });
    this.about.push({ name, what, octets: octets.length });
  }

  #freeName(name: string): string {
    const isTaken = (one: string) => this.files.some((file) => file.name === one);
    let free = name;
    for (let number = 2; isTaken(free); number++) free = `${number}-${name}`;
    return free;
  }

  leaveOut(what: string, why: string): void {
    this.leftOut.push({ what, why });
  }

  /** For who opens the archive. */
  text(): string {
    const there = this.about.map(({ name, octets, what }) => `${name}: ${what}, ${octets} octets`);
    const not = this.leftOut.map(({ what, why }) => `${what}: ${why}`);
    return ['In this report:', ...there, '', 'Left out:', ...(not.length === 0 ? ['nothing'] : not), '']
      .map(printable)
      .join('\n');
  }
}

/** Keys, and octets of packets, are runs of hexadecimal digits that are longer than anything else that a log has. */
const HEX = /(?<![\w])(?:0x)?[0-9a-f]{32,}(?![\w])/gi;
const BASE64_KEY = /(?<![\w+/])[A-Za-z0-9+/]{43}=|(?<![\w+/])[A-Za-z0-9+/]{22}==/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
export const LEFT_OUT = '(left out)';

/** A log without keys (--debug-keys) and octets of packets (--sampled-octets), and how many were taken out. */
export function logWithoutSecrets(text: string): { readonly text: string; readonly takenOut: number } {
  let takenOut = 0;
  const out = () => {
    takenOut++;
    return LEFT_OUT;
  };
  const without = text.replace(PRIVATE_KEY, out).replace(HEX, out).replace(BASE64_KEY, out);
  return { text: without, takenOut };
}
