/** What gateways that run say is wrong: each is asked for its `status` again and again over its admin socket, and all that it has said is kept. */
import { vi } from 'vitest';
import type { StatusResponse } from '../../src/admin/admin-api.js';
import { AdminClient } from '../../src/admin/admin-client.js';
import type { Program } from '../support/program.js';

export type Problem = Pick<StatusResponse['problems'][number], 'cause' | 'about' | 'text'>;

/** One of the problems that a gateway is to have. */
export type Expected = readonly [cause: RegExp, about: string | RegExp, text: RegExp];

/** An interval between two looks of people who are in a hurry. */
const POLL_MS = 500;
/** For a machine that does much else: idle, all are named in a fifth of it. */
export const NAMED_WITHIN_MS = 90_000;
/** A limit for the start of twenty processes on such a machine; idle, it takes ten seconds. */
const STARTED_WITHIN_MS = 240_000;

/** Of a gateway that has had no processor for so long, on a machine that does much else: it is true, and no fault of ours. */
export const TOO_BUSY = /no answer within \d+ ms|the connection was not made in time/;
/** What gateways are started with for it. */
export const TOO_BUSY_FLAG = '--rpc-deadline=5000';

/** The answer of a gateway that had one, however often it takes. */
export async function patiently<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  let answer: Answer | undefined;
  let failure: unknown;
  await until(
    async () => {
      answer = await call().catch((error: unknown) => {
        failure = error;
        return undefined;
      });
      return answer !== undefined;
    },
    () => String(failure),
  );
  return answer!;
}

/** Polls until it is so; rejects with what `text` says then. */
async function until(
  isSo: () => boolean | Promise<boolean>,
  text: () => string,
  timeoutMs = NAMED_WITHIN_MS,
): Promise<void> {
  await vi.waitUntil(isSo, { timeout: timeoutMs, interval: POLL_MS }).catch((error: Error) => {
    throw new Error(`${error.message}: ${text()}`);
  });
}

/** Waits until a pair of the gateway has packets both ways. */
export async function hasTraffic(client: AdminClient): Promise<void> {
  await until(
    async () => {
      const { tunnels } = await patiently(() =>
        client.call('ListTunnels', { selection: undefined, most: 0 }),
      );
      return tunnels.some((one) => (one.out?.packets ?? 0n) > 1n && (one.in?.packets ?? 0n) > 1n);
    },
    () => 'no pair has packets both ways',
  );
}

/** A client of a gateway that is being started, as soon as it answers. Rejects with what the program has said where it ends, or never does. */
export async function clientOf(socket: string, program: Program): Promise<AdminClient> {
  let hasEnded = false;
  void program.ended.then(() => (hasEnded = true));
  let failure: unknown;
  const fails = (error: unknown) => {
    failure = error;
    return undefined;
  };
  let answering: AdminClient | undefined;
  await until(
    async () => {
      if (hasEnded) throw new Error('it has ended');
      const client = await AdminClient.connect(socket).catch(fails);
      if (client === undefined) return false;
      const status = await client.call('Status', { unchecked: true }).catch(fails);
      if (status?.uptimeMs === undefined) client.close();
      else answering = client;
      return answering !== undefined;
    },
    () => `no answer at ${socket}: ${failure}\n${program.out}`,
    STARTED_WITHIN_MS,
  );
  return answering!;
}

interface Answer {
  readonly atMs: number;
  readonly problems: readonly Problem[];
}

const isOne = (one: Problem, [cause, about, text]: Expected) =>
  cause.test(one.cause) &&
  (typeof about === 'string' ? about === one.about : about.test(one.about)) &&
  text.test(one.text);

export class StatusWatch implements AsyncDisposable {
  /** All answers of each, by its number. */
  readonly #said = new Map<number, Answer[]>();
  #begunAtMs = 0;
  readonly #clients = new Map<number, AdminClient>();
  readonly #over = new AbortController();
  #watching: Promise<unknown> = Promise.resolve();

  async connect(number: number, socket: string, program: Program): Promise<void> {
    this.#clients.set(number, await clientOf(socket, program));
  }

  client(number: number): AdminClient {
    return this.#clients.get(number)!;
  }

  /** Asks all who are connected, until it is closed. */
  begin(): void {
    this.#begunAtMs = performance.now();
    this.#watching = Promise.all(
      [...this.#clients].map(async ([number, client]) => {
        const said: Answer[] = [];
        this.#said.set(number, said);
        while (!this.#over.signal.aborted) {
          const status = await client.call('Status', { unchecked: false }).catch(() => undefined);
          said.push({ atMs: performance.now(), problems: status?.problems ?? [] });
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      }),
    );
  }

  /** Waits until a gateway has said it; rejects with all that it has said. */
  async names(by: number, expected: Expected): Promise<void> {
    await until(
      () => this.#allOf(by).some((one) => isOne(one, expected)),
      () => `${by} has not said ${expected.join(' ')}, but:\n${this.#texts(by)}`,
    );
  }

  /** When that was first said, in seconds since the fault came, or since the watch began; undefined: not yet. */
  secondsUntil(by: number, expected: Expected, faultAtMs = this.#begunAtMs): number | undefined {
    const first = this.#said.get(by)?.find(({ problems }) => problems.some((one) => isOne(one, expected)));
    return first && (first.atMs - faultAtMs) / 1000;
  }

  /**
   * What is not right of all that was said, each once. Answers in which one of those that are `alwaysThere` was not heard in time do not
   * count: who cannot compare with it may take others for what they are not.
   */
  wrong(alwaysThere: readonly string[], isRight: (by: number, problem: Problem) => boolean): string[] {
    const isTooBusy = ({ text }: Problem) => TOO_BUSY.test(text);
    const counts = ({ problems }: Answer) =>
      !problems.some((one) => isTooBusy(one) && alwaysThere.includes(one.about));
    return [...this.#said].flatMap(([by, answers]) => {
      const wrong = answers
        .filter(counts)
        .flatMap(({ problems }) => problems)
        .filter((one) => !isTooBusy(one) && !isRight(by, one));
      return [...new Set(wrong.map(({ cause, about, text }) => `${by}: ${cause} [${about}] ${text}`))];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#watching;
    for (const client of this.#clients.values()) client.close();
  }

  #allOf(by: number): readonly Problem[] {
    return this.#said.get(by)?.flatMap(({ problems }) => problems) ?? [];
  }

  #texts(by: number): string {
    const texts = this.#allOf(by).map(({ cause, about, text }) => `${cause} [${about}] ${text}`);
    return [...new Set(texts)].join('\n');
  }
}
