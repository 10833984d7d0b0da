import { NO_CALL_COUNTERS } from '../../src/admin/admin-server.js';

/** The admin service's counters before anybody has asked it. */
export const NO_ADMIN_COUNTERS = { connections: 0n, connectionsRefused: 0n, ...NO_CALL_COUNTERS };
