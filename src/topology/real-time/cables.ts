/** What joins a gateway's process to the run: for its ports, and what of the environment says where they are. */
export interface Cables {
  /** Of the process. */
  readonly environment: Readonly<Record<string, string>>;
  /** The process is there, and opens its ends once this has resolved. */
  connect?(pid: number): Promise<void>;
  close(): Promise<void>;
}
