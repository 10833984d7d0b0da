/** Programs of a soak's workloads and attackers, for `node -e`: they run in namespaces, without the checkout. */

/** Every datagram of the prober is full of it; on the underlay nobody sees it. */
export const SOAK_MARK = 'psp-gateway-soak-mark';
const PORT = 5001;
/** An echo that has not come for so long does not come any more: longer than a packet may wait for its session. */
const LOST_AFTER_MS = 8000;

/** Sends back what comes, over both families. */
export const ECHO = `
  for (const family of ['udp4', 'udp6']) {
    const socket = require('node:dgram').createSocket({ type: family, ipv6Only: family === 'udp6' });
    socket.on('message', (octets, from) => socket.send(octets, from.port, from.address, () => {}));
    socket.on('error', () => {});
    socket.bind(${PORT}, () => console.log('ready ' + family));
  }`;

/**
 * Sends a numbered datagram every INTERVAL milliseconds, to ADDRESS4 and ADDRESS6 in turn. Every second a line of JSON: counts so
 * far, and as `Loss` those that turned out to be lost since the last line.
 */
export const PROBER = `
  const [address4, address6, interval] = process.argv.slice(1);
  const sockets = ['udp4', 'udp6'].map((family) => require('node:dgram').createSocket(family));
  const waiting = new Map();
  const lateOnes = new Set();
  const counts = { sent: 0, unsent: 0, received: 0, duplicated: 0, late: 0 };
  const mark = Buffer.from('${SOAK_MARK} '.repeat(8));
  let number = 0;
  let stopping = false;
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.on('message', (octets) => {
      const id = octets.readUInt32BE(0);
      for (const [former, packet] of waiting) {
        if (former >= id) break;
        if ((former & 1) === (id & 1)) packet.overtakenMs ??= Date.now();
      }
      if (waiting.delete(id)) counts.received++;
      else if (lateOnes.delete(id)) counts.late++;
      else counts.duplicated++;
    });
  }
  setInterval(() => {
    if (stopping) return;
    const id = number++;
    const octets = Buffer.concat([Buffer.alloc(4), mark]);
    octets.writeUInt32BE(id);
    waiting.set(id, { sentMs: Date.now(), family: id & 1 ? 6 : 4, overtakenMs: null });
    counts.sent++;
    sockets[id & 1].send(octets, ${PORT}, id & 1 ? address6 : address4, (error) => {
      // The workload has no port to send it by: it was never sent.
      if (error && waiting.delete(id)) { counts.sent--; counts.unsent++; }
    });
  }, Number(interval));
  setInterval(() => {
    const lost = [];
    for (const [id, packet] of waiting) {
      if (Date.now() - packet.sentMs < ${LOST_AFTER_MS}) break;
      waiting.delete(id);
      lateOnes.add(id);
      lost.push(packet);
    }
    if (lateOnes.size > 100000) lateOnes.clear();
    console.log(JSON.stringify({ ...counts, waiting: waiting.size, lost }));
    if (stopping && waiting.size === 0) process.exit(0);
  }, 1000);
  process.on('SIGTERM', () => { stopping = true; });`;

/** One datagram to each address of PREFIX.1 to PREFIX.COUNT. */
export const SCAN = `
  const [prefix, count] = process.argv.slice(1);
  const socket = require('node:dgram').createSocket('udp4');
  let left = Number(count);
  const one = () => {
    if (left === 0) return socket.close();
    socket.send(Buffer.alloc(32), 9, prefix + '.' + left--, () => setTimeout(one, 2));
  };
  socket.bind(0, one);`;

/** COUNT connections from FROM that say nothing, or rubbish, and are held for three seconds. */
export const CONNECT = `
  const [from, to, count] = process.argv.slice(1);
  const { connect } = require('node:net');
  for (let i = 0; i < Number(count); i++) {
    const socket = connect({ host: to, port: 3000, localAddress: from });
    socket.on('error', () => {});
    if (i & 1) socket.on('connect', () => socket.write(require('node:crypto').randomBytes(200)));
    setTimeout(() => socket.destroy(), 3000);
  }`;

/** COUNT datagrams to PSP's port that look like PSP and are not. */
export const FORGE = `
  const [to, count] = process.argv.slice(1);
  const { randomBytes } = require('node:crypto');
  const socket = require('node:dgram').createSocket('udp6');
  let left = Number(count);
  const one = () => {
    if (left-- === 0) return socket.close();
    const octets = randomBytes(120);
    octets.set([4, 1, 10, 0x11, left & 1 ? 0x80 : 0, 0, 0, left & 255]);
    socket.send(octets, 1000, to, () => setTimeout(one, 1));
  };
  socket.bind(0, one);`;
