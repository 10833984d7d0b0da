/** For each alert what makes it fire, as promtool's series: values a minute apart. */

export interface AlertCase {
  readonly alert: string;
  /** Series and their values, in promtool's notation. */
  readonly series: Readonly<Record<string, string>>;
}

/** Ten a second. */
const RISES = '0+600x40';
const STAYS = (value: number) => `${value}+0x40`;
const GATEWAY = 'instance="g"';

export const ALERT_CASES: readonly AlertCase[] = [
  { alert: 'PspGatewayDown', series: { [`up{job="psp-gateway",${GATEWAY}}`]: STAYS(0) } },
  { alert: 'PspGatewayDeviceDown', series: { [`psp_gateway_device_up{${GATEWAY}}`]: STAYS(0) } },
  { alert: 'PspGatewayPortDown', series: { [`psp_gateway_port_up{${GATEWAY},port="up0"}`]: STAYS(0) } },
  { alert: 'PspGatewayPeersSilent', series: { [`psp_gateway_peers{${GATEWAY},state="silent"}`]: STAYS(1) } },
  {
    alert: 'PspGatewayOneWay',
    series: {
      [`psp_gateway_tx_packets_total{${GATEWAY}}`]: RISES,
      [`psp_gateway_rx_packets_total{${GATEWAY}}`]: STAYS(9),
    },
  },
  {
    alert: 'PspGatewayAuthenticationFailures',
    series: { [`psp_gateway_rx_auth_fail_total{${GATEWAY}}`]: RISES },
  },
  {
    alert: 'PspGatewayNotLetIn',
    series: { [`psp_gateway_dropped_packets_total{${GATEWAY},direction="in",reason="not-allowed"}`]: RISES },
  },
  {
    alert: 'PspGatewayPacketsDropped',
    series: { [`psp_gateway_dropped_packets_total{${GATEWAY},direction="out",reason="queue-full"}`]: RISES },
  },
  {
    alert: 'PspGatewayMissQueueFull',
    series: {
      [`psp_gateway_missed_packets_waiting{${GATEWAY}}`]: STAYS(90),
      [`psp_gateway_missed_packets_limit{${GATEWAY}}`]: STAYS(100),
    },
  },
  {
    alert: 'PspGatewayTunnelsFailing',
    series: { [`psp_gateway_exchanges_failed_total{${GATEWAY}}`]: '0+2x40' },
  },
  {
    alert: 'PspGatewaySessionsNearLimit',
    series: {
      [`psp_gateway_sessions{${GATEWAY},state="established"}`]: STAYS(90),
      [`psp_gateway_sessions{${GATEWAY},state="idle"}`]: STAYS(5),
      [`psp_gateway_sessions_limit{${GATEWAY}}`]: STAYS(100),
    },
  },
  {
    alert: 'PspGatewayKeySlotsNearLimit',
    series: {
      [`psp_gateway_key_slots_used{${GATEWAY}}`]: STAYS(96),
      [`psp_gateway_key_slots_limit{${GATEWAY}}`]: STAYS(100),
    },
  },
  { alert: 'PspGatewaySpisLow', series: { [`psp_gateway_spis_left{${GATEWAY}}`]: STAYS(1000) } },
  {
    alert: 'PspGatewayRotationStuck',
    series: { [`psp_gateway_rotation_waiting_peers{${GATEWAY}}`]: STAYS(1) },
  },
  {
    alert: 'PspGatewayRotationFailed',
    series: { [`psp_gateway_rotations_failed_total{${GATEWAY}}`]: '0+0x20 1+0x20' },
  },
  {
    alert: 'PspGatewayCertificateExpires',
    series: {
      [`psp_gateway_certificate_expiry_timestamp_seconds{${GATEWAY},role="own"}`]: STAYS(13 * 86_400),
    },
  },
  {
    alert: 'PspGatewayCallersRefused',
    series: { [`psp_gateway_refused_callers_total{${GATEWAY},reason="untrusted"}`]: RISES },
  },
  {
    alert: 'PspGatewayLimitReached',
    series: { [`psp_gateway_limit_refusals_total{${GATEWAY},limit="strangers"}`]: RISES },
  },
  {
    alert: 'PspGatewayDeviceFailures',
    series: { [`psp_gateway_device_failures_total{${GATEWAY},operation="apply"}`]: '0+0x25 1+0x15' },
  },
  {
    alert: 'PspGatewayEventLoopLate',
    series: {
      [`psp_gateway_event_loop_lag_seconds_bucket{${GATEWAY},le="0.5"}`]: '0+10x40',
      [`psp_gateway_event_loop_lag_seconds_bucket{${GATEWAY},le="1"}`]: '0+60x40',
      [`psp_gateway_event_loop_lag_seconds_bucket{${GATEWAY},le="+Inf"}`]: '0+60x40',
    },
  },
  {
    alert: 'PspGatewayLogLost',
    series: { [`psp_gateway_log_lines_lost_total{${GATEWAY}}`]: '0+0x25 1+0x15' },
  },
];
