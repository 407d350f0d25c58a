import { createHmac } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { answerStripe, StripeRefusal } from './fake-stripe-api.js';
import { type StripeObject, stripeId } from './fake-stripe-objects.js';
import { type Form, parseForm } from './stripe-form.js';

interface StripeRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  params: Form;
}

/** What there is at the fake Stripe; a test may add and change it as people do in Stripe's dashboard. */
export interface StripeState {
  customers: Map<string, StripeObject>;
  sessions: Map<string, StripeObject>;
  subscriptions: Map<string, StripeObject>;
  /** Ids of meters by their event's name. */
  meters: Map<string, string>;
  meterEvents: { event: string; identifier: string; customer: string; value: number; timestamp: number }[];
}

export interface SignedEvent {
  id: string;
  body: string;
  headers: Record<string, string>;
}

export interface FakeStripe {
  /** As in `STRIPE_API_BASE`. */
  readonly url: string;
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly state: StripeState;
  readonly requests: StripeRequest[];
  /** `down`: connections break; `refused`: the key is wrong; or the status of every answer. */
  mode: 'normal' | 'down' | 'refused' | 500 | 429;
  /** How many answers fail before `mode` holds. */
  failures: number;
  /** An event as it is delivered, signed at `at`, in seconds. */
  event: (
    type: string,
    object: object,
    options: { created: number; id?: string; signedAt?: number; secret?: string },
  ) => SignedEvent;
  close: () => Promise<void>;
}

/** A server on loopback that speaks Stripe's wire, keeps what it is told, and signs events. */
export async function startFakeStripe(): Promise<FakeStripe> {
  const state: StripeState = {
    customers: new Map(),
    sessions: new Map(),
    subscriptions: new Map(),
    meters: new Map(),
    meterEvents: [],
  };
  const answers = new Map<string, { params: string; status: number; body: string }>();
  const secretKey = `sk_test_${stripeId('key')}`;
  const webhookSecret = `whsec_${stripeId('secret')}`;

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(incoming.url ?? '/', 'http://stripe.test');
    const body = await readText(incoming);
    const params = parseForm(body === '' ? search.slice(1) : body);
    const method = incoming.method ?? '';
    fake.requests.push({ method, path: pathname, headers: incoming.headers, params });
    if (fake.mode === 'down') return void response.destroy();
    if (fake.failures > 0) {
      fake.failures -= 1;
      return send(response, 500, errorBody('api_error', 'Something broke.'));
    }
    if (typeof fake.mode === 'number') return send(response, fake.mode, errorBody('api_error', 'Not now.'));
    const given = incoming.headers.authorization ?? '';
    if (fake.mode === 'refused' || given !== `Bearer ${secretKey}`) {
      // Stripe masks it; a stand-in may not.
      return send(response, 401, errorBody('invalid_request_error', `Invalid API Key provided: ${given}`));
    }
    const key = incoming.headers['idempotency-key'];
    const known = typeof key === 'string' ? answers.get(`${pathname} ${key}`) : undefined;
    if (known !== undefined) {
      if (known.params === body) return send(response, known.status, known.body);
      return send(response, 400, errorBody('idempotency_error', 'Keys are for one request.'));
    }
    const [status, text] = answer(method, pathname, params);
    if (method === 'POST' && typeof key === 'string')
      answers.set(`${pathname} ${key}`, { params: body, status, body: text });
    send(response, status, text);
  }

  function answer(method: string, path: string, params: Form): [number, string] {
    try {
      return [200, JSON.stringify(answerStripe(state, { method, path, params, url: fake.url }))];
    } catch (error) {
      if (!(error instanceof StripeRefusal)) throw error;
      return [error.status, errorBody('invalid_request_error', error.message, error.code)];
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeStripe = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secretKey,
    webhookSecret,
    state,
    requests: [],
    mode: 'normal',
    failures: 0,
    event: (type, object, { created, id = stripeId('evt'), signedAt = created, secret = webhookSecret }) => {
      const api_version = '2026-10-28.endive';
      const event = { id, object: 'event', type, created, api_version, livemode: false, data: { object } };
      const body = JSON.stringify(event);
      return { id, body, headers: { 'stripe-signature': signatureOf(body, secret, signedAt) } };
    },
    close: async () => {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return fake;
}

function signatureOf(body: string, secret: string, seconds: number): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${mac}`;
}

function errorBody(type: string, message: string, code?: string): string {
  return JSON.stringify({ error: { type, message, ...(code === undefined ? {} : { code }) } });
}

function send(response: ServerResponse, status: number, body: string): void {
  const headers = { 'content-type': 'application/json', 'request-id': stripeId('req') };
  response.writeHead(status, headers).end(body);
}
