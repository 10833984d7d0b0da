// Loaded into a gateway's process before its program (--import). Whoever connects to the socket that PSP_SOAK_PROBE names
// gets one line of JSON: what the process holds, after a garbage collection, and the gateway's own view.
import { readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const path = process.env.PSP_SOAK_PROBE;
const { Gateway } = await import(process.env.PSP_SOAK_GATEWAY);
setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc');

let gateway;
/** The addresses that the prober's packets go between, IPv4 and IPv6. */
const probed = new Set((process.env.PSP_SOAK_PROBED ?? '').split(' '));
const EVENTS_MAX = 1000;
/** Since the sample before: rotations, and what became of the prober's tunnels. */
const events = [];
const { start } = Gateway.prototype;
Gateway.prototype.start = function startSeen() {
  gateway = this;
  gateway.watch((event) => {
    const { type, localVip, remoteVip } = event;
    const isOfRotation = type.startsWith('rotat') || type === 'work-failed';
    if (!isOfRotation && !(probed.has(localVip) && probed.has(remoteVip))) return;
    if (events.length < EVENTS_MAX) events.push({ atMs: Date.now(), ...event });
  });
  return start.call(this);
};

/** An event loop that does not come to its timer for so long has stalled. */
const STALL_MS = 150;
const TICK_MS = 20;
const stalls = [];
let tickedMs = Date.now();
let tickedCpu = process.cpuUsage();
setInterval(() => {
  const nowMs = Date.now();
  const { user, system } = process.cpuUsage(tickedCpu);
  if (nowMs - tickedMs > STALL_MS) {
    stalls.push({ fromMs: tickedMs, toMs: nowMs, ranMs: Math.round((user + system) / 1000) });
  }
  tickedMs = nowMs;
  tickedCpu = process.cpuUsage();
}, TICK_MS).unref();

function countsOf(names) {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function sample() {
  collect();
  collect();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return {
    pid: process.pid,
    heapUsed,
    external,
    arrayBuffers,
    rss,
    fds: readdirSync('/proc/self/fd').length,
    resources: countsOf(process.getActiveResourcesInfo()),
    stalls: stalls.splice(0),
    events: events.splice(0),
    atMs: Date.now(),
    view: gateway?.view(),
  };
}

rmSync(path, { force: true });
createServer((socket) => {
  socket.on('error', () => {});
  socket.end(
    `${JSON.stringify(sample(), (_, value) => (typeof value === 'bigint' ? Number(value) : value))}\n`,
  );
})
  .listen(path)
  .unref();
