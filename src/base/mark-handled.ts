/**
 * Keeps Node from ending the process where a promise is rejected before anybody awaits it. Whoever awaits it later gets the
 * rejection all the same.
 */
export function markHandled(promise: Promise<unknown>): void {
  promise.catch(() => {});
}
