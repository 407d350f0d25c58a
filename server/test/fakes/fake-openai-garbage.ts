import type { ServerResponse } from 'node:http';

import type { FakeOpenAIMode } from './fake-openai-options.js';

type Piece = string | Uint8Array;

const HUGE_LINE_PIECES = 512;
const PIECE_BYTES = 64 * 1024;
const PADDING = 'x'.repeat(PIECE_BYTES);
/** What JSON and numbers can say and token counts cannot. */
const WILD_USAGE = { prompt_tokens: -5, completion_tokens: 1e300 };

/** Streams that no honest endpoint sends: each a function of the answer's tokens. */
const GARBAGE = new Map<FakeOpenAIMode, (tokens: string[]) => Iterable<Piece>>([
  ['empty_stream', () => []],
  ['only_done', () => ['data: [DONE]\n\n']],
  ['done_without_finish', (tokens) => [...tokens.map(deltaEvent), 'data: [DONE]\n\n']],
  ['error_first', () => [event({ error: { message: 'a secret', type: 'server_error', code: 503 } })]],
  ['not_an_object', (tokens) => [...tokens.slice(0, 2).map(deltaEvent), event(42)]],
  ['wrong_types', (tokens) => [...tokens.slice(0, 2).map(deltaEvent), event({ choices: { delta: 'text' } })]],
  ['nul_characters', (tokens) => [...tokens.map((token) => deltaEvent(`\u0000${token}`)), FINISH]],
  ['wild_usage', (tokens) => [...tokens.map(deltaEvent), FINISH, event({ choices: [], usage: WILD_USAGE })]],
  ['noise', noisyStream],
  ['broken_utf8', brokenUtf8],
  ['refusal', () => [event({ choices: [{ delta: { refusal: 'I cannot help.' } }] }), FINISH]],
  ['huge_line', hugeLine],
  ['endless', endlessStream],
]);

/** @returns false: the mode is not one of garbage */
export async function sendGarbage(
  response: ServerResponse,
  mode: FakeOpenAIMode,
  tokens: string[],
): Promise<boolean> {
  const pieces = GARBAGE.get(mode)?.(tokens);
  if (pieces === undefined) return false;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const piece of pieces) {
    if (response.destroyed) return true;
    if (!response.write(piece)) await whenWritable(response);
  }
  response.end();
  return true;
}

/** Resolves when more can be written, or nobody reads any more. */
export function whenWritable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });
}

const FINISH = event({ choices: [{ delta: {}, finish_reason: 'stop' }] });

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function deltaEvent(content: string): string {
  return event({ choices: [{ delta: { content } }] });
}

/** All that the event stream format and the wire allow beside what is needed. */
function noisyStream(tokens: string[]): Piece[] {
  const [first = '', ...rest] = tokens;
  const text = JSON.stringify(first);
  return [
    '\uFEFF: welcome\r\n\r\n',
    'event: chunk\r\nid: 7\r\nretry: 10\r\nunknown: field\r\n',
    // Two lines of data are one value with a line end in it.
    `data: {"choices": [{"delta": {"content": ${text}, "novelty": [1]},\r\ndata: "logprobs": null}],`,
    ' "x": {"y": null}}\r',
    '\n\r',
    '\n',
    event({ choices: null }),
    event({ object: 'ping' }),
    event({ choices: [{ delta: { content: [{ type: 'text', text: rest.join('') }] } }] }).replace(
      'data: ',
      'data:',
    ),
    FINISH,
    event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }),
    'data: [DONE]\n\n',
    'data: what comes after the end\n\n',
  ];
}

/** A character of four bytes of which two are missing, cut in two on the wire. */
function brokenUtf8(tokens: string[]): Piece[] {
  const bytes = Buffer.concat([
    Buffer.from('data: {"choices": [{"delta": {"content": "'),
    Buffer.from([0xf0, 0x9f]),
    Buffer.from('"}}]}\n\n'),
  ]);
  const cut = bytes.indexOf(0x9f);
  return [bytes.subarray(0, cut), bytes.subarray(cut), ...tokens.map(deltaEvent), FINISH];
}

function* hugeLine(): Generator<Piece> {
  yield 'data: {"choices": [{"delta": {"content": "';
  for (let count = 0; count < HUGE_LINE_PIECES; count += 1) yield PADDING;
}

/** Small events that say nothing, until the client leaves. */
function* endlessStream(): Generator<Piece> {
  const piece = event({ choices: [{ delta: { content: '' } }] }).repeat(1_000);
  for (;;) yield piece;
}
