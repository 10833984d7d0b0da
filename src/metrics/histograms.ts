/** The metrics that are distributions; what observes them keeps them. */

export interface HistogramMetric {
  readonly name: string;
  /** For people, one line. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, in seconds. */
  readonly bucketsS: readonly number[];
}

/** From an RPC in memory to one that runs into its deadline. */
export const RPC_DURATION: HistogramMetric = {
  name: 'psp_gateway_rpc_duration_seconds',
  help: 'Time that RPCs took: of the client from the call to its end, of the server from the whole request to the answer.',
  labels: ['side', 'method'],
  bucketsS: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
};

export const LOOP_LAG: HistogramMetric = {
  name: 'psp_gateway_event_loop_lag_seconds',
  help: 'How late the event loop came to a timer, looked at once a second.',
  labels: [],
  bucketsS: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
};
