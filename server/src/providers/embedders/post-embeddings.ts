import { ModelError } from '#kernel/model-error.js';
import { traceHeaders } from '#platform/tracing.js';
import { errorFromNetwork, errorFromStatus } from '#providers/chat-models/endpoint-error.js';
import { parseJson, readBoundedText } from '#providers/resilience/bounded-body.js';

export interface EmbeddingsEndpoint {
  /** Up to and with the version, such as `https://models.example/v1`. */
  baseUrl: string;
  /** Null for endpoints that ask for none. */
  apiKey: string | null;
  /** How vectors are asked for: base64 until the endpoint has refused it, as some do. */
  encoding: 'base64' | 'float';
}

export interface EmbeddingsRequest {
  model: string;
  dimensions: number;
  texts: readonly string[];
}

/** 256 vectors of 4,096 numbers as text are 23 MB. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** The family that can shorten its vectors; other models answer 400 to a field they do not know. */
const SHORTENABLE_MODEL_PATTERN = /(^|\/)text-embedding-3-/;

/** Asks once, or twice where the first is refused for the encoding. @returns the parsed JSON @throws ModelError */
export async function postEmbeddings(
  endpoint: EmbeddingsEndpoint,
  request: EmbeddingsRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const { encoding } = endpoint;
  const reply = await post(endpoint, { ...request, encoding }, signal);
  if (reply.isOk || encoding === 'float' || !refusesEncoding(reply)) return bodyOf(reply);
  const plain = await post(endpoint, { ...request, encoding: 'float' }, signal);
  // Only success says that it was that.
  if (plain.isOk) endpoint.encoding = 'float';
  return bodyOf(plain);
}

interface Reply {
  isOk: boolean;
  status: number;
  headers: Record<string, string>;
  text: string;
}

async function post(
  endpoint: EmbeddingsEndpoint,
  request: EmbeddingsRequest & { encoding: string },
  signal: AbortSignal,
): Promise<Reply> {
  const response = await fetch(`${endpoint.baseUrl.replace(/\/+$/, '')}/embeddings`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...traceHeaders(),
      ...(endpoint.apiKey === null ? {} : { authorization: `Bearer ${endpoint.apiKey}` }),
    },
    body: JSON.stringify({
      model: request.model,
      input: request.texts,
      encoding_format: request.encoding,
      ...(SHORTENABLE_MODEL_PATTERN.test(request.model) ? { dimensions: request.dimensions } : {}),
    }),
    signal,
  }).catch((error: unknown) => {
    throw errorFromNetwork(error);
  });
  const text = await readBoundedText(response, MAX_REPLY_BYTES).catch((error: unknown) => {
    throw error instanceof ModelError ? error : errorFromNetwork(error);
  });
  const headers = Object.fromEntries(response.headers);
  return { isOk: response.ok, status: response.status, headers, text };
}

/** It names the field. Not as a key with its value: some quote the whole request, whatever they refuse. */
function refusesEncoding({ status, text }: Reply): boolean {
  return (status === 400 || status === 422) && /encoding_format(?!\\*["']\s*:)/.test(text);
}

function bodyOf({ isOk, status, headers, text }: Reply): unknown {
  const body = parseJson(text);
  if (!isOk) throw errorFromStatus(status, headers, body);
  return body;
}
