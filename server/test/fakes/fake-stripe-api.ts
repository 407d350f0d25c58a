import type { StripeState } from './fake-stripe.js';
import { type StripeObject, stripeId } from './fake-stripe-objects.js';
import { type Form, textAt } from './stripe-form.js';

export class StripeRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface Call {
  method: string;
  path: string;
  params: Form;
  url: string;
}

/** The part of Stripe's API that is used, as its reference describes it. */
export function answerStripe(state: StripeState, call: Call): unknown {
  const [noun = '', id = '', act = ''] = partsOf(call.path);
  const route = `${call.method} ${noun}${id === '' ? '' : '/:id'}${act === '' ? '' : `/${act}`}`;
  switch (route) {
    case 'POST customers':
      return createCustomer(state, call.params);
    case 'DELETE customers/:id':
      return deleteCustomer(state, id);
    case 'POST checkout/sessions':
      return createSession(state, call);
    case 'GET checkout/sessions':
      return list(state.sessions, call, (session) => session['status'] === textAt(call.params, 'status'));
    case 'POST checkout/sessions/:id/expire':
      return expireSession(state, id);
    case 'GET subscriptions':
      findCustomer(state, textAt(call.params, 'customer') ?? '');
      return list(state.subscriptions, call, () => true);
    case 'POST billing_portal/sessions':
      return createPortal(state, call);
    case 'GET billing/meters':
      return listOf(
        [...state.meters].map(([name, meter]) => ({ id: meter, object: 'billing.meter', event_name: name })),
        call.path,
      );
    case 'GET billing/meters/:id/event_summaries':
      return summarize(state, id, call);
    case 'POST billing/meter_events':
      return countEvent(state, call.params);
    default:
      throw new StripeRefusal(404, 'url_invalid', `Unrecognized request URL (${route}).`);
  }
}

/** `/v1/checkout/sessions/cs_1/expire` is an act on a `checkout/sessions`. */
function partsOf(path: string): string[] {
  const [, noun = '', id, act] =
    /^\/v1\/((?:checkout|billing|billing_portal)\/\w+|\w+)(?:\/(\w+))?(?:\/(\w+))?$/.exec(path) ?? [];
  return [noun, id ?? '', act ?? ''];
}

function missing(what: string): StripeRefusal {
  return new StripeRefusal(404, 'resource_missing', `No such ${what}`);
}

function findCustomer(state: StripeState, id: string): StripeObject {
  const customer = state.customers.get(id);
  if (customer === undefined) throw missing(`customer: '${id}'`);
  return customer;
}

function createCustomer(state: StripeState, params: Form): StripeObject {
  const customer = { ...params, id: stripeId('cus'), object: 'customer' };
  state.customers.set(customer.id, customer);
  return customer;
}

function deleteCustomer(state: StripeState, id: string): unknown {
  findCustomer(state, id);
  state.customers.delete(id);
  for (const subscription of state.subscriptions.values())
    if (subscription['customer'] === id) subscription['status'] = 'canceled';
  return { id, object: 'customer', deleted: true };
}

function createSession(state: StripeState, { params, url }: Call): StripeObject {
  findCustomer(state, textAt(params, 'customer') ?? '');
  const mode = textAt(params, 'mode');
  const line = 'line_items.0';
  const isRecurring = textAt(params, `${line}.price_data.recurring.interval`) !== undefined;
  const price = textAt(params, `${line}.price`);
  const amount = textAt(params, `${line}.price_data.unit_amount`) ?? (price === undefined ? undefined : '0');
  if (amount === undefined || !/^\d+$/.test(amount))
    throw new StripeRefusal(400, 'parameter_missing', 'Missing price.');
  if (price === undefined && isRecurring !== (mode === 'subscription'))
    throw new StripeRefusal(400, 'parameter_invalid', 'The price does not fit the mode.');
  const id = stripeId('cs');
  const session = {
    ...params,
    id,
    object: 'checkout.session',
    mode,
    status: 'open',
    created: Math.floor(Date.now() / 1000) + state.sessions.size,
    amount_total: Number(amount) * Number(textAt(params, `${line}.quantity`) ?? '1'),
    url: `${url}/pay/${id}`,
  };
  state.sessions.set(id, session);
  return session;
}

function expireSession(state: StripeState, id: string): StripeObject {
  const session = state.sessions.get(id);
  if (session === undefined) throw missing('checkout session');
  if (session['status'] !== 'open') throw new StripeRefusal(400, 'resource_invalid_state', 'It is not open.');
  session['status'] = 'expired';
  return session;
}

function createPortal(state: StripeState, { params, url }: Call): unknown {
  const customer = findCustomer(state, textAt(params, 'customer') ?? '');
  return { id: stripeId('bps'), object: 'billing_portal.session', url: `${url}/portal/${customer.id}` };
}

function list(
  objects: Map<string, StripeObject>,
  { params, path }: Call,
  isWanted: (object: StripeObject) => boolean,
) {
  const customer = textAt(params, 'customer');
  return listOf(
    [...objects.values()].filter((object) => object['customer'] === customer && isWanted(object)),
    path,
  );
}

function listOf(data: unknown[], path: string) {
  return { object: 'list', data, has_more: false, url: path };
}

function countEvent(state: StripeState, params: Form): unknown {
  const event = textAt(params, 'event_name') ?? '';
  const identifier = textAt(params, 'identifier') ?? stripeId('id');
  if (!state.meters.has(event))
    throw new StripeRefusal(400, 'no_meter', 'No active meter has this event name.');
  const customer = textAt(params, 'payload.stripe_customer_id') ?? '';
  findCustomer(state, customer);
  const value = Number(textAt(params, 'payload.value'));
  const timestamp = Number(textAt(params, 'timestamp'));
  const isKnown = state.meterEvents.some((known) => known.identifier === identifier);
  if (!isKnown) state.meterEvents.push({ event, identifier, customer, value, timestamp });
  return { object: 'billing.meter_event', event_name: event, identifier, timestamp };
}

function summarize(state: StripeState, meterId: string, { params, path }: Call) {
  const [event] = [...state.meters].find(([, id]) => id === meterId) ?? [];
  if (event === undefined) throw missing('meter');
  const [from, to] = [Number(textAt(params, 'start_time')), Number(textAt(params, 'end_time'))];
  if (from % 60 !== 0 || to % 60 !== 0)
    throw new StripeRefusal(400, 'parameter_invalid', 'Align to minutes.');
  const counted = state.meterEvents.filter(
    (known) =>
      known.event === event &&
      known.customer === textAt(params, 'customer') &&
      known.timestamp >= from &&
      known.timestamp < to,
  );
  const sum = counted.reduce((total, { value }) => total + value, 0);
  return listOf(
    [{ id: stripeId('mes'), object: 'billing.meter_event_summary', aggregated_value: sum }],
    path,
  );
}
