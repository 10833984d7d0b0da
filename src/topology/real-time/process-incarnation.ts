/** An incarnation of a gateway in a process of its own; links to the core over UDP, and IPC for events, logs and counts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../../base/clock.js';
import type { TlsMaterial } from '../../gateway/rpc/grpc-transport.js';
import type { Network } from '../network.js';
import type { GatewayNode, GatewayNodeObserver, IncarnationPorts } from '../nodes/gateway-node.js';
import { type Incarnation, IncarnationGoneError, type IncarnationSnapshot } from '../nodes/incarnation.js';
import type { Cables } from './cables.js';
import { StartError } from './machine.js';
import type { FromGateway, IncarnationStart, ToGateway } from './messages.js';
import type { Places } from './places.js';
import { bridge, openUdpPort } from './udp-port.js';

export interface ProcessIncarnationDeps {
  readonly network: Network;
  readonly node: GatewayNode;
  /** Joined to the ports of the incarnation. */
  readonly cables: Cables;
  readonly tls: TlsMaterial;
  readonly observer: Pick<GatewayNodeObserver, 'onEvent' | 'onLog'>;
  /** The program and arguments of the gateway's process: `topology node`. */
  readonly program: string;
  readonly args: readonly string[];
  readonly started: (incarnation: Incarnation) => void;
}

/** A process that does not end by itself is killed after so long. */
const STOP_MAX_MS = 5_000;
/** Of a line of its output. */
const LINE_CHARACTERS_MAX = 1_000;
/** Lines of it that are told where it does not start. */
const LINES_KEPT = 10;

/** Both links of a gateway, from the core's side. */
export async function bridgeGateway(name: string, ports: IncarnationPorts, places: Places): Promise<Cables> {
  const one = async (which: 'uplink' | 'vf') => {
    const { core, gateway } = places.linkOf(name, which);
    return bridge(ports[which], await openUdpPort(`${name} ${which}`, core, gateway, ports[which].mtuOctets));
  };
  const bridges = [await one('uplink'), await one('vf')];
  return {
    environment: {},
    async close() {
      await Promise.all(bridges.map((each) => each.close()));
    },
  };
}

export async function openProcessIncarnation(deps: ProcessIncarnationDeps): Promise<void> {
  const incarnation = new ProcessIncarnation(deps);
  deps.started(incarnation);
  await incarnation.start();
}

class ProcessIncarnation implements Incarnation {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (reason: Error) => void }
  >();
  #nextId = 1;
  #over = false;
  /** Of its output: what its libraries said. */
  readonly #lastLines: string[] = [];

  constructor(private readonly deps: ProcessIncarnationDeps) {
    const { environment } = deps.cables;
    this.#child = fork(deps.program, [...deps.args], {
      serialization: 'advanced',
      execArgv: [],
      env: { ...process.env, ...environment },
      // What libraries print there is the gateway's log, and not the run's result.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.#logOutput();
    this.#exited = once(this.#child, 'exit').then(() => {
      this.#over = true;
      for (const { reject } of this.#waiting.values())
        reject(new IncarnationGoneError(`the process of ${deps.node.name} has ended`));
      this.#waiting.clear();
    });
  }

  /** Rejects with what the gateway says when it cannot start. */
  async start(): Promise<void> {
    const { network, node, tls, observer } = this.deps;
    const stopListening = network.oob.onChange(() => this.#say({ type: 'oob', ...network.oob.now }));
    void this.#exited.then(stopListening);
    const { pid } = this.#child;
    if (pid !== undefined) await this.deps.cables.connect?.(pid);
    await new Promise<void>((resolve, reject) => {
      this.#child.on('message', (message) => {
        const from = message as FromGateway;
        switch (from.type) {
          case 'started':
            return resolve();
          case 'failed':
            return reject(this.#startError(from.reason));
          case 'event':
            return observer.onEvent(node, from.event);
          case 'seen':
            // Of a process that is gone something may still be on its way, when the next one has started.
            if (!this.#over) network.seen(node, from.seen);
            return;
          case 'log':
            return observer.onLog?.(node, from.level, from.message, from.fields);
          case 'answer':
            return this.#answered(from);
        }
      });
      void this.#exited.then(() => reject(this.#startError('its process ended before it had started')));
      const start: IncarnationStart = {
        tls,
        underlay: node.underlay,
        nexthopDmac: network.optionsOf(node.plan).nexthopDmac,
        logs: observer.onLog !== undefined,
        ...network.oob.now,
        adjustments: this.#adjustments(),
      };
      this.#say({ type: 'start', start });
    });
  }

  async rotate(): Promise<void> {
    await this.#ask('rotate');
  }

  async snapshot(): Promise<IncarnationSnapshot> {
    const { snapshot } = await this.#ask('snapshot');
    if (snapshot === undefined) throw new IncarnationGoneError(`${this.deps.node.name} has not started yet`);
    return snapshot;
  }

  adjusted(): void {
    this.#say({ type: 'adjust', adjustments: this.#adjustments() });
  }

  async stop(): Promise<void> {
    this.#say({ type: 'stop' });
    const late = systemClock.setTimer(() => this.#child.kill('SIGKILL'), STOP_MAX_MS);
    await this.#exited;
    late.cancel();
    await this.deps.cables.close();
  }

  async crash(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
    await this.deps.cables.close();
  }

  #startError(reason: string): StartError {
    const said = this.#lastLines.map((line) => `\n  ${line}`).join('');
    return new StartError(`${this.deps.node.name}: ${reason}${said}`);
  }

  #logOutput(): void {
    const { node, observer } = this.deps;
    let line = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (line + text).split('\n');
      line = lines.pop()!.slice(0, LINE_CHARACTERS_MAX);
      for (const one of lines.map((whole) => whole.slice(0, LINE_CHARACTERS_MAX))) {
        if (one === '') continue;
        observer.onLog?.(node, 'info', one, undefined);
        if (this.#lastLines.push(one) > LINES_KEPT) this.#lastLines.shift();
      }
    });
  }

  #adjustments() {
    const { clock, entriesDelayMs } = this.deps.node;
    return { aheadMs: clock.aheadMs, entriesDelayMs };
  }

  #ask(type: 'rotate' | 'snapshot'): Promise<Answer> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#say({ type, id });
    });
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.reason === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(answer.reason));
  }

  #say(message: ToGateway): void {
    if (this.#child.connected) this.#child.send(message);
  }
}

type Answer = Extract<FromGateway, { type: 'answer' }>;
