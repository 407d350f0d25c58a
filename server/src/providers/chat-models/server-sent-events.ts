import { ModelError } from '#kernel/model-error.js';

/** An event of a chat model is some hundred characters; one that long never ends. */
const MAX_EVENT_LENGTH = 1024 * 1024;
const LINE_END_PATTERN = /\r\n|\n|\r/;

/**
 * The data of each event of a stream (HTML Living Standard, 9.2.6). Names, ids and comments are passed over; an
 * event that the end of the stream cuts off is none.
 * @throws ModelError `bad_reply` for an event of over 1 MiB
 */
export async function* readEventData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = [];
  let dataLength = 0;
  for await (const line of readLines(bytes)) {
    if (line === '') {
      if (data.length > 0) yield data.join('\n');
      data = [];
      dataLength = 0;
      continue;
    }
    if (!line.startsWith('data:')) continue;
    data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    dataLength += line.length;
    if (dataLength > MAX_EVENT_LENGTH) throw tooLong();
  }
}

/** Lines as they are complete; what no line end follows is none. TextDecoder drops the byte order mark. */
async function* readLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;
  let isAfterReturn = false;
  for await (const piece of bytes) {
    let text = decoder.decode(piece, { stream: true });
    if (text === '') continue;
    // The second half of a line end that two pieces share.
    if (isAfterReturn && text.startsWith('\n')) text = text.slice(1);
    isAfterReturn = text.endsWith('\r');
    const lines = text.split(LINE_END_PATTERN);
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      yield parts.length === 0 ? line : parts.join('') + line;
      parts = [];
      length = 0;
    }
    parts.push(rest);
    length += rest.length;
    if (length > MAX_EVENT_LENGTH) throw tooLong();
  }
}

function tooLong(): ModelError {
  return new ModelError(
    'bad_reply',
    `the model endpoint sent an event of over ${MAX_EVENT_LENGTH} characters`,
  );
}
