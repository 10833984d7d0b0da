/** Causes in files that the gateway reads and writes: its certificates, its state, its log. */
import { DAY_MS } from '../rpc/certificate-status.js';
import type { GatewaySummary } from '../view.js';
import type { Causes, DiagnosisInput, Found } from './finding.js';

type Certificates = NonNullable<GatewaySummary['tls']>['certificates'];

const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const timeOf = (ms: number) => new Date(ms).toISOString();

function certificates(
  { summary: { tls } }: DiagnosisInput,
  states: readonly Certificates[number]['state'][],
  found: (certificate: Certificates[number]) => Pick<Found, 'text' | 'advice'>,
): Found[] {
  return (tls?.certificates ?? [])
    .filter(({ state }) => states.includes(state))
    .map((certificate) => ({ about: certificate.path, ...found(certificate) }));
}

export const CAUSES_OF_FILES: Causes = {
  'certificate-unusable': (input) =>
    certificates(input, ['expired', 'not-yet-valid'], ({ subject, state, notAfterMs, notBeforeMs }) =>
      state === 'expired'
        ? {
            text: `certificate ${subject} has expired on ${dateOf(notAfterMs)}: peers refuse it`,
            advice: 'renew it',
          }
        : {
            text: `certificate ${subject} is not valid before ${timeOf(notBeforeMs)}, and our clock says ${timeOf(input.nowMs)}: this clock is behind, or that of its authority is ahead`,
            advice: 'set the clock of this machine; where it is right, have the certificate made anew',
          },
    ),

  'certificate-files-unusable': ({ summary: { tls } }) =>
    tls?.problem === undefined
      ? []
      : [
          {
            about: '',
            text: `what is in the files of our certificates cannot be used, and what was there before stays in use: ${tls.problem}`,
            advice: 'put the right files there; they are taken by themselves',
          },
        ],

  'state-not-written': ({ summary: { stateProblem } }) =>
    stateProblem === undefined
      ? []
      : [
          {
            about: '',
            text: `the state file (--state-file) cannot be written: ${stateProblem}`,
            advice:
              'make its folder, with room and the right to write there; it is tried again every two seconds',
          },
        ],

  'log-lost': ({ logLinesLost, logProblem }) => {
    const advice = 'make room for it; packets are carried all the same';
    if (logProblem !== undefined)
      return [{ about: '', text: `our log cannot be written: ${logProblem}`, advice }];
    if (logLinesLost === 0) return [];
    const text = `${logLinesLost} lines of our log were lost of late: its disk was full, or nobody reads it`;
    return [{ about: '', text, advice }];
  },

  'certificate-expires': (input) =>
    certificates(input, ['expires-soon'], ({ subject, notAfterMs }) => ({
      text: `certificate ${subject} expires in ${Math.floor((notAfterMs - input.nowMs) / DAY_MS)} days, on ${dateOf(notAfterMs)}`,
      advice: 'renew it',
    })),
};
