/** A step failed; the message has what it printed. */
export class NativeBuildError extends Error {
  override readonly name = 'NativeBuildError';
}
