/** The admin service's counters before anybody has asked it. */
export const NO_ADMIN_COUNTERS = {
  connections: 0n,
  connectionsRefused: 0n,
  callsRefused: 0n,
  watchers: 0n,
  watchersRefused: 0n,
  eventsLost: 0n,
  captures: 0n,
  capturesRefused: 0n,
  capturePacketsLeftOut: 0n,
};
