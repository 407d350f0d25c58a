import { SourceError } from '#kernel/source-error.js';

const TRY_LATER = 'It is tried again; if it goes on, check that the page opens in a browser.';

/** A status other than success, in words. Worth another try when the server is busy or broken. */
export function statusError(status: number, host: string, retryAfterMs: number | null): SourceError {
  const retryable = status >= 500 || status === 429 || status === 408 || status === 425;
  return new SourceError(`http_${status}`, `${host} ${explainStatus(status)}`, { retryable, retryAfterMs });
}

/** Why a fetch failed below HTTP, in words. What the guard refused comes out as the guard put it. */
export function networkError(error: unknown, host: string): SourceError {
  const chain = Array.from(causesOf(error));
  const refusal = chain.find((cause) => cause instanceof SourceError);
  if (refusal !== undefined) return refusal;
  const code = chain.map(codeOf).find((found) => found !== '') ?? '';
  const failed = (message: string, retryable: boolean) =>
    new SourceError('fetch_failed', message, { cause: error, retryable });
  if (code === 'ENOTFOUND')
    return failed(`There is no server named ${host}. Check the spelling of the address.`, false);
  if (/^(?:CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL|EPROTO)/.test(code)) {
    return failed(`The certificate of ${host} is not valid, so the page is not fetched.`, false);
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new SourceError('too_large', `${host} sent more headers than a page needs.`, { cause: error });
  }
  if (/^(?:Z_|ERR__ERROR|ERR_BROTLI)/.test(code)) {
    return failed(`What ${host} sent cannot be unpacked, so the page is not read.`, false);
  }
  if (code.startsWith('HPE_')) return failed(`${host} did not answer as a web server does.`, false);
  return failed(`${host} could not be reached (${code || 'no connection'}). ${TRY_LATER}`, true);
}

function explainStatus(status: number): string {
  if (status === 404 || status === 410) return `has no such page (${status}). Check the address.`;
  if (status === 401 || status === 403) {
    return `does not show this page to everyone (${status}). Add its text as a text source, or allow this server there.`;
  }
  if (status === 429) return `asks to be visited less often (429). ${TRY_LATER}`;
  if (status >= 500) return `failed to answer (${status}). ${TRY_LATER}`;
  return `did not answer with a page (${status}).`;
}

/** The error, what caused it, and so on; an aggregate has many causes. */
function* causesOf(error: unknown, depth = 0): Generator {
  if (!(error instanceof Error) || depth > 5) return;
  yield error;
  if (error instanceof AggregateError) for (const inner of error.errors) yield* causesOf(inner, depth + 1);
  yield* causesOf(error.cause, depth + 1);
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : '';
}
