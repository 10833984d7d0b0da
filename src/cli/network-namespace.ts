/** An interface in a network namespace of its own, by iproute2. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type IpAddress, ipFamily } from '../packet/address.js';
import { StartError } from '../topology/real-time/machine.js';

const NAMESPACES = '/run/netns';
/** The interface's name in there. */
const NAME = 'vf0';
const PREFIX_BITS = { 4: 32, 6: 128 } as const;

const execute = promisify(execFile);

/**
 * Puts an interface into a namespace, which is made where there is none, with these addresses and a way to everybody. `close` removes a
 * namespace that was made; so does the end of the process. Rejects with StartError.
 */
export async function enterNamespace(
  interfaceName: string,
  namespace: string,
  addresses: readonly IpAddress[],
): Promise<{ close(): void }> {
  const isOurs = !existsSync(join(NAMESPACES, namespace));
  const remove = () => void spawnSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
  const close = () => {
    if (!isOurs) return;
    process.off('exit', remove);
    remove();
  };
  try {
    if (isOurs) {
      await ip('netns', 'add', namespace);
      process.on('exit', remove);
      await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
    await ip('link', 'set', interfaceName, 'netns', namespace);
    await ip('-n', namespace, 'link', 'set', interfaceName, 'name', NAME);
    for (const address of addresses) {
      const family = ipFamily(address);
      const isUnique = family === 6 ? ['nodad'] : [];
      await ip('-n', namespace, 'addr', 'add', `${address}/${PREFIX_BITS[family]}`, 'dev', NAME, ...isUnique);
    }
    await ip('-n', namespace, 'link', 'set', NAME, 'up');
    for (const family of new Set(addresses.map(ipFamily)))
      await ip('-n', namespace, `-${family}`, 'route', 'add', 'default', 'dev', NAME);
    return { close };
  } catch (error) {
    close();
    throw error;
  }
}

async function ip(...args: string[]): Promise<void> {
  try {
    await execute('ip', args);
  } catch (error) {
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string };
    const reason =
      code === 'ENOENT' ? 'there is no program ip; install iproute2' : stderr.trim().split('\n')[0];
    throw new StartError(`ip ${args.join(' ')}: ${reason}`);
  }
}
