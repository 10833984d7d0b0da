/** The admin service in gRPC's terms, for its server and its clients: its RPCs with their messages, of proto/admin.proto. */
import type { MethodDefinition } from '@grpc/grpc-js';
import {
  AboutRequest,
  AboutResponse,
  CancelDrainRequest,
  CancelDrainResponse,
  CaptureMessage,
  CaptureRequest,
  ChangeTunnelsRequest,
  ChangeTunnelsResponse,
  DisconnectPeerRequest,
  DisconnectPeerResponse,
  DrainRequest,
  DrainResponse,
  EndCaptureRequest,
  EndCaptureResponse,
  Event,
  ExplainRequest,
  ExplainResponse,
  ListPeersRequest,
  ListPeersResponse,
  ListTunnelsRequest,
  ListTunnelsResponse,
  LogLevelRequest,
  LogLevelResponse,
  type MessageFns,
  PipesRequest,
  PipesResponse,
  ReloadRequest,
  ReloadResponse,
  RotateRequest,
  RotateResponse,
  StatusRequest,
  StatusResponse,
  WatchEventsRequest,
} from '../gateway/generated/admin.js';

export type {
  CaptureMessage,
  CaptureRequest,
  CaptureTally,
  Drain,
  Event,
  EventField,
  ExplainResponse,
  Peer,
  PipesResponse,
  StatusResponse,
  Traffic,
  Tunnel,
} from '../gateway/generated/admin.js';
export { ListPeersResponse, ListTunnelsResponse } from '../gateway/generated/admin.js';

export const ADMIN_SERVICE = 'psp_gateway_admin.Admin';

function method<Request, Response>(
  name: string,
  request: MessageFns<Request>,
  response: MessageFns<Response>,
  responseStream = false,
): MethodDefinition<Request, Response> {
  return {
    path: `/${ADMIN_SERVICE}/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (message) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (octets) => request.decode(octets),
    responseSerialize: (message) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (octets) => response.decode(octets),
  };
}

/** Every RPC under its name. */
export const ADMIN_METHODS = {
  Status: method('Status', StatusRequest, StatusResponse),
  ListTunnels: method('ListTunnels', ListTunnelsRequest, ListTunnelsResponse),
  ListPeers: method('ListPeers', ListPeersRequest, ListPeersResponse),
  DisconnectPeer: method('DisconnectPeer', DisconnectPeerRequest, DisconnectPeerResponse),
  RemoveTunnels: method('RemoveTunnels', ChangeTunnelsRequest, ChangeTunnelsResponse),
  RekeyTunnels: method('RekeyTunnels', ChangeTunnelsRequest, ChangeTunnelsResponse),
  Rotate: method('Rotate', RotateRequest, RotateResponse),
  SetLogLevel: method('SetLogLevel', LogLevelRequest, LogLevelResponse),
  Explain: method('Explain', ExplainRequest, ExplainResponse),
  Drain: method('Drain', DrainRequest, DrainResponse),
  CancelDrain: method('CancelDrain', CancelDrainRequest, CancelDrainResponse),
  Reload: method('Reload', ReloadRequest, ReloadResponse),
  About: method('About', AboutRequest, AboutResponse),
  Pipes: method('Pipes', PipesRequest, PipesResponse),
  EndCapture: method('EndCapture', EndCaptureRequest, EndCaptureResponse),
};

/** Those that stream. */
export const CAPTURE = method('Capture', CaptureRequest, CaptureMessage, true);
export const WATCH_EVENTS = method('WatchEvents', WatchEventsRequest, Event, true);

type AdminMethods = typeof ADMIN_METHODS;
export type AdminMethod = keyof AdminMethods;
export type RequestOf<Name extends AdminMethod> = Parameters<AdminMethods[Name]['requestSerialize']>[0];
export type ResponseOf<Name extends AdminMethod> = ReturnType<AdminMethods[Name]['responseDeserialize']>;
