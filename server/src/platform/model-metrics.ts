import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** From a model on the same machine to one that thinks before it speaks. */
const CALL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180];
/** Projects name models as they like: so many names are told apart, the others are `other`. */
const MAX_MODEL_LABELS = 50;
const MODEL_NAME_PATTERN = /^[\w./:@-]{1,80}$/;

/** What the models do, cost and fail at. `endpoint` is `chat`, `embeddings` or `rerank`. */
export function createModelMetrics(registers: Registry[]) {
  return {
    /** A model's name as a label. */
    modelLabel: createLabelCap(MAX_MODEL_LABELS, MODEL_NAME_PATTERN),
    modelSeconds: new Histogram({
      name: 'botbase_model_call_duration_seconds',
      help: 'Time of a call to a model with its retries, until its last token.',
      labelNames: ['endpoint', 'model', 'outcome'],
      buckets: CALL_BUCKETS,
      registers,
    }),
    firstTokenSeconds: new Histogram({
      name: 'botbase_model_first_token_seconds',
      help: 'Time until the first token of a chat model, with retries.',
      labelNames: ['model'],
      buckets: CALL_BUCKETS,
      registers,
    }),
    modelTokens: new Counter({
      name: 'botbase_model_tokens_total',
      help: 'Tokens of answers as the endpoint counted them, by model, tier and direction.',
      labelNames: ['model', 'tier', 'direction'],
      registers,
    }),
    embeddingTokens: new Counter({
      name: 'botbase_embedding_tokens_total',
      help: 'Tokens embedded, as the endpoint counted them.',
      labelNames: ['model'],
      registers,
    }),
    modelCost: new Counter({
      name: 'botbase_model_cost_usd_total',
      help: 'What the answers cost at the prices that Botbase knows, in US dollars.',
      labelNames: ['model'],
      registers,
    }),
    endpointCalls: new Counter({
      name: 'botbase_model_endpoint_calls_total',
      help: 'Single tries at a model endpoint, by how they ended.',
      labelNames: ['endpoint', 'outcome'],
      registers,
    }),
    endpointRetries: new Counter({
      name: 'botbase_model_endpoint_retries_total',
      help: 'Calls that were tried again, by what the try before failed at.',
      labelNames: ['endpoint', 'reason'],
      registers,
    }),
    endpointRetriesDenied: new Counter({
      name: 'botbase_model_endpoint_retries_denied_total',
      help: 'Calls that were not tried again because the retry budget was spent.',
      labelNames: ['endpoint', 'reason'],
      registers,
    }),
    endpointRefusals: new Counter({
      name: 'botbase_model_endpoint_refused_calls_total',
      help: 'Calls that were not made because the circuit breaker was open.',
      labelNames: ['endpoint'],
      registers,
    }),
    circuitState: new Gauge({
      name: 'botbase_model_endpoint_circuit',
      help: '1 for the state that the circuit breaker of an endpoint is in: closed, half_open or open.',
      labelNames: ['endpoint', 'state'],
      registers,
    }),
  };
}

/** Lets the first `limit` names through that look like one; whatever else is `other`. */
function createLabelCap(limit: number, pattern: RegExp): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= limit || !pattern.test(name)) return 'other';
    known.add(name);
    return name;
  };
}
