/**
 * Where recipes of documents run as they stand: a checkout of symbolic links, in which they may write, and namespaces of
 * network, mounts and processes, in which names and addresses of theirs are nobody else's and nothing of theirs outlives them.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from './program.js';
import { ROOT } from './root.js';

const NOT_LINKED = ['.git', 'out'];
const MACHINES = `
ip link add cable type bridge
ip link set cable up
for address in $*; do
  ip netns add "$address"
  ip -n "$address" link set lo up
  ip link add "c\${address##*.}" type veth peer name eth0 netns "$address"
  ip link set "c\${address##*.}" master cable up
  ip -n "$address" addr add "$address/24" dev eth0
  ip -n "$address" link set eth0 up
done`;

export class RecipeWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'pspgw-recipe-'));
  readonly #programs: Program[] = [];
  readonly #root: Program;
  readonly #onExit = () => this.#root.kill('SIGKILL');

  private constructor() {
    for (const name of readdirSync(ROOT).filter((entry) => !NOT_LINKED.includes(entry)))
      symlinkSync(join(ROOT, name), join(this.folder, name));
    const program = join(this.folder, '.bin/psp-gateway');
    mkdirSync(join(this.folder, '.bin'));
    writeFileSync(program, `#!/bin/sh\nexec node '${ROOT}/dist/cli/main.js' "$@"\n`);
    chmodSync(program, 0o755);
    const set =
      'mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && echo ready && exec sleep infinity';
    const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    this.#root = new Program(['unshare', ...namespaces, 'sh', '-c', set]);
    process.on('exit', this.#onExit);
  }

  /** @param machines addresses, each of a machine of its own, with one cable between all of them. */
  static async open(machines: readonly string[]): Promise<RecipeWorld> {
    const world = new RecipeWorld();
    try {
      await world.#root.says(/ready/);
      if (machines.length > 0) {
        const made = world.start(`set -- ${machines.join(' ')}\n${MACHINES}`);
        if ((await made.ended) !== 0) throw new Error(made.out);
      }
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A shell with these commands, which ends with the first that fails. */
  start(commands: string, machine?: string): Program {
    const { pid } = this.#root;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    const enter = ['nsenter', '--target', child!, '--mount', '--net', '--pid'];
    const on = machine === undefined ? [] : ['ip', 'netns', 'exec', machine];
    const shell = ['bash', '-c', `set -euo pipefail\ncd '${this.folder}'\n${commands}`];
    const program = new Program([...enter, ...on, ...shell], {
      PATH: `${join(this.folder, '.bin')}:${process.env.PATH}`,
      // What blocks that install it would have done.
      PKG_CONFIG_PATH: join(ROOT, 'build/native/prefix-3.1/lib/pkgconfig'),
    });
    this.#programs.push(program);
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Everything in its process namespace goes with it.
    this.#root.kill('SIGKILL');
    await Promise.all([this.#root, ...this.#programs].map(({ ended }) => ended));
    process.off('exit', this.#onExit);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
