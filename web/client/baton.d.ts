// SPDX-License-Identifier: Apache-2.0
/* Types of baton.js. Views of the server may have more members than these. */

export const VERSION: 'v1';

export interface DeviceID { id: string; typeOfNumber?: string; [more: string]: unknown }
export type DeviceLike = string | DeviceID;

/** Octets: hexadecimal, two digits an octet. */
export interface Data { string?: string; private?: unknown }

export type ConnectionState =
  'null' | 'initiated' | 'alerting' | 'connected' | 'hold' | 'queued' | 'fail';

export interface Connection {
  callID: string;
  deviceID: string;
  number?: string;
  localConnectionInfo: ConnectionState;
  display?: string;
  originating?: boolean;
  /** It is a device of this server. */
  ours?: boolean;
  /** Who it is, is withheld. */
  restricted?: boolean;
  sipCallID?: string;
  /** Names of the services that work now. */
  services?: string[];
}

export interface Uui {
  package?: string; content?: string; hex: string; text?: string;
  verdict?: string; rule?: string; why?: string;
  origin?: { role: string; identity?: string; confidence: string; withheld?: boolean };
  seal?: { result: string; identity?: string };
}

export interface Call {
  callID: string;
  created: string;
  answered?: string;
  connections: Connection[];
  calledDevice?: string;
  correlatorData?: Data;
  userData?: Data;
  uui?: Uui[];
  sipCallIDs?: string[];
  sequence?: string;
}

export interface Binding {
  contact: string; transport?: string; address?: string; userAgent?: string; expires?: string;
  instance?: string;
}

export interface Device {
  deviceID: string;
  number: string;
  display?: string;
  registered: boolean;
  bindings: Binding[];
  calls: string[];
  features: Record<string, unknown>;
  agents: { agentID: string; deviceID: string; agentState: string; pendingAgentState?: string }[];
  drivers: string[];
  services: string[];
  sequence?: string;
}

export interface Operation {
  operation: string;
  service: string;
  state: 'accepted' | 'done' | 'failed';
  created?: string;
  ended?: string;
  callID?: string;
  deviceID?: string;
  traceparent?: string;
  result?: Record<string, any>;
  problem?: ProblemBody;
}

export interface ProblemBody {
  type?: string; title?: string; status?: number; detail?: string; code?: string;
  csta?: { category: string; value: string }; sip?: number; pointer?: string;
}

/** A refusal. `code` is 'network' when nobody answered, 'timeout' when an operation did not end. */
export class Problem extends Error {
  constructor(body: ProblemBody, status?: number);
  static of(response: Response): Promise<Problem>;
  static network(error: unknown): Problem;
  status: number;
  code: string;
  title: string;
  csta: { category: string; value: string } | null;
  sip: number;
  pointer: string;
  body: ProblemBody;
}

export interface CloudEvent {
  specversion: '1.0';
  id: string;
  source: string;
  /** 'org.baton.csta.delivered.v1', 'org.baton.operation.v1', … */
  type: string;
  subject?: string;
  time: string;
  sequence: string;
  partition?: string;
  data: {
    ids?: { callID?: string; deviceID?: string; sipCallID?: string };
    uui?: Uui[];
    [message: string]: any;
  };
}

export interface Options {
  /** Where the server is; in a page its own origin when left out. */
  url?: string | URL;
  /** A function is asked for each request, with renew after a token has been refused. */
  token?: string | ((want: { renew: boolean }) => string | Promise<string>);
  /** Buy short-lived browser tokens with the token, and use those. */
  exchange?: boolean;
  fetch?: typeof fetch;
  /** null: none, events come over Server-Sent Events. */
  WebSocket?: typeof WebSocket | null;
  /** How often a request is asked again that found no server; 5. */
  retries?: number;
  /** Seconds for an answer to begin; 60. */
  timeout?: number;
  random?: () => number;
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | string[] | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Seconds that the server may wait for the outcome (Prefer: wait). */
  wait?: number;
  ifMatch?: string;
  /** Send the token that was given, no browser token bought with it (`exchange`). */
  given?: boolean;
  idempotencyKey?: string;
  accept?: string;
  signal?: AbortSignal;
  retries?: number;
}

export interface OperateOptions extends RequestOptions {
  /** Seconds after which waiting ends with a Problem of code 'timeout'; 30. */
  timeout?: number;
}

export interface StreamOptions {
  from?: 'now' | 'earliest' | 'snapshot' | string;
  devices?: string[];
  types?: string[];
  callID?: string;
  transport?: 'websocket' | 'sse';
  /** Milliseconds without a word after which the connection counts as dead; 45 000. */
  silence?: number;
  ping?: number;
  /** The longest wait between two tries, in milliseconds; 30 000. */
  most?: number;
  ackEvery?: number;
  /** Do not connect before open(). */
  paused?: boolean;
}

export class Baton {
  constructor(options?: Options);
  url(path: string, query?: RequestOptions['query']): string;
  respond(method: string, path: string, options?: RequestOptions): Promise<Response>;
  request<T = any>(method: string, path: string, options?: RequestOptions): Promise<T>;
  get<T = any>(path: string, query?: RequestOptions['query'], options?: RequestOptions): Promise<T>;
  post<T = any>(path: string, body?: unknown, options?: RequestOptions): Promise<T>;
  put<T = any>(path: string, body: unknown, options?: RequestOptions): Promise<T>;
  delete<T = any>(path: string, options?: RequestOptions): Promise<T>;
  list<T = any>(path: string, query?: RequestOptions['query']): AsyncGenerator<T>;
  operate(path: string, body?: unknown, options?: OperateOptions): Promise<Operation>;
  /** Any CSTA request by its name. @return the members of the response */
  service(name: string, body: unknown, options?: OperateOptions): Promise<Record<string, any>>;

  makeCall(device: string, to: DeviceLike, more?: { userData?: Data; correlatorData?: Data;
    autoOriginate?: 'prompt' | 'doNotPrompt'; [more: string]: unknown },
    options?: OperateOptions): Promise<Operation>;
  verb(connection: Connection, name: string, body?: unknown, options?: OperateOptions):
    Promise<Operation>;
  answer(connection: Connection, options?: OperateOptions): Promise<Operation>;
  hold(connection: Connection, options?: OperateOptions): Promise<Operation>;
  retrieve(connection: Connection, options?: OperateOptions): Promise<Operation>;
  clear(connection: Connection, more?: { userData?: Data }, options?: OperateOptions):
    Promise<Operation>;
  deflect(connection: Connection, to: DeviceLike, options?: OperateOptions): Promise<Operation>;
  transfer(connection: Connection, to: DeviceLike, more?: { userData?: Data },
    options?: OperateOptions): Promise<Record<string, any>>;
  consult(connection: Connection, to: DeviceLike, more?: { userData?: Data },
    options?: OperateOptions): Promise<Record<string, any>>;
  complete(held: Connection, active: Connection, options?: OperateOptions):
    Promise<Record<string, any>>;
  alternate(held: Connection, active: Connection, options?: OperateOptions):
    Promise<Record<string, any>>;
  reconnect(held: Connection, active: Connection, options?: OperateOptions):
    Promise<Record<string, any>>;
  digits(connection: Connection, keys: string, options?: OperateOptions):
    Promise<Record<string, any>>;
  stream(options?: StreamOptions): BatonStream;
  model(options?: { devices?: string[]; delay?: number }): BatonModel;
}

export type StreamState = 'new' | 'connecting' | 'open' | 'waiting' | 'closed';

interface StreamEvents {
  event: CustomEvent<CloudEvent>;
  snapshot: CustomEvent<CloudEvent>;
  gap: CustomEvent<CloudEvent>;
  state: CustomEvent<{ state: StreamState; ms?: number; code?: number; error?: Error }>;
  problem: CustomEvent<Problem>;
}

export class BatonStream extends EventTarget implements AsyncIterable<CloudEvent> {
  constructor(client: Baton, options?: StreamOptions);
  readonly state: StreamState;
  /** Of the last event that was given out: keep it to go on there in another process. */
  readonly sequence: string | undefined;
  open(): this;
  close(): void;
  addEventListener<K extends keyof StreamEvents>(name: K, listener: (event: StreamEvents[K]) => void,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;
  [Symbol.asyncIterator](): AsyncGenerator<CloudEvent>;
}

interface ModelEvents extends Omit<StreamEvents, 'snapshot'> {
  /** callIDs and numbers; all: it is a new snapshot. */
  change: CustomEvent<{ calls: string[]; devices: string[]; all: boolean }>;
}

export class BatonModel extends EventTarget {
  constructor(client: Baton, options?: { devices?: string[]; delay?: number });
  readonly calls: Map<string, Call>;
  readonly devices: Map<string, Device>;
  readonly stream: BatonStream;
  callsOf(device: string): { call: Call; connection: Connection }[];
  addEventListener<K extends keyof ModelEvents>(name: K, listener: (event: ModelEvents[K]) => void,
    options?: boolean | AddEventListenerOptions): void;
  addEventListener(name: string, listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions): void;
  /** Resolves at the first snapshot. */
  readonly ready: Promise<this>;
  close(): void;
}

/** Cuts an event stream into its messages. */
export class EventLines {
  constructor(tell: (message: { event: string; data: string | null; id?: string }) => void);
  push(text: string): void;
}

export function backoff(attempt: number,
  options?: { base?: number; most?: number; random?: () => number }): number;
export function sleep(ms: number, signal?: AbortSignal): Promise<void>;
export function after(a: string, b: string | undefined): boolean;
export function userData(text: string): Data;
export function userText(data: string | Data): string | null;
export function number(device: DeviceLike): string;
export function connectionID(connection: Connection): { callID: string; deviceID: DeviceLike };
