import { ModelError } from '#kernel/model-error.js';

/**
 * The bytes of a reply as they come. Whoever stops reading lets go of the connection.
 * @throws ModelError `bad_reply` as soon as there are more than `maxBytes`
 */
export async function* readBoundedBytes(response: Response, maxBytes: number): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  let byteCount = 0;
  for await (const piece of response.body) {
    byteCount += piece.byteLength;
    if (byteCount > maxBytes) {
      throw new ModelError('bad_reply', `the model endpoint sent more than ${maxBytes} bytes`);
    }
    yield piece;
  }
}

/** A whole reply as text; broken UTF-8 becomes U+FFFD. @throws ModelError `bad_reply` where it is too long */
export async function readBoundedText(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  for await (const piece of readBoundedBytes(response, maxBytes)) {
    parts.push(decoder.decode(piece, { stream: true }));
  }
  return parts.join('') + decoder.decode();
}

/** What a text says as JSON; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
