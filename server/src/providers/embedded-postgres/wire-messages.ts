/**
 * The framing of the PostgreSQL wire protocol, version 3.0
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html): just as much of it as is needed to
 * hand whole requests to the database and to see when it has answered them.
 */

const headerBytes = 5;
const protocolVersion = 196_608;
const sslRequestCode = 80_877_103;
const gssRequestCode = 80_877_104;

/** What a client asks for. A `batch` is handed to the database as it is. */
export type ClientRequest =
  | { kind: 'encryption' }
  | { kind: 'startup'; bytes: Buffer }
  | { kind: 'batch'; bytes: Buffer }
  | { kind: 'terminate' }
  | { kind: 'unknown' };

/** Sync, Query, Flush, FunctionCall, CopyDone and CopyFail: after these the client waits for an answer. */
const batchEnds = new Set(['S', 'Q', 'H', 'F', 'c', 'f'].map(codeOf));

/**
 * Cuts what a client sends, in whatever pieces it arrives, into requests.
 * The messages of one extended query (Parse, Bind, Execute, Sync) stay together in one batch, so that the
 * database is never left in the middle of a query whose client died while sending it.
 */
export function createRequestReader(): (chunk: Buffer) => ClientRequest[] {
  let pieces: Buffer[] = [];
  let pendingBytes = 0;
  let neededBytes = 1;
  let started = false;

  return function read(chunk) {
    pieces.push(chunk);
    pendingBytes += chunk.length;
    // Joined only when a whole message is there: a large one in small pieces is not copied again for each piece.
    if (pendingBytes < neededBytes) return [];
    const pending = Buffer.concat(pieces);
    const requests: ClientRequest[] = [];
    let batchStart = 0;
    let offset = 0;
    for (;;) {
      const lengthAt = started ? offset + 1 : offset;
      neededBytes = started ? headerBytes : headerBytes + 3;
      if (pending.length - offset < neededBytes) break;
      const length = pending.readInt32BE(lengthAt);
      if (length < (started ? 4 : 8)) return [...requests, { kind: 'unknown' }];
      neededBytes = lengthAt - offset + length;
      if (pending.length - offset < neededBytes) break;
      const end = offset + neededBytes;
      if (!started) {
        const request = startupRequest(pending.subarray(offset, end));
        started = request.kind === 'startup';
        requests.push(request);
        batchStart = end;
      } else if (pending[offset] === codeOf('X')) {
        requests.push({ kind: 'terminate' });
        batchStart = end;
      } else if (batchEnds.has(pending[offset] ?? 0)) {
        requests.push({ kind: 'batch', bytes: pending.subarray(batchStart, end) });
        batchStart = end;
      }
      offset = end;
    }
    // The rest begins at the batch that is not whole yet; it is read again from there with the next chunk.
    const rest = pending.subarray(batchStart);
    neededBytes += offset - batchStart;
    pieces = rest.length > 0 ? [rest] : [];
    pendingBytes = rest.length;
    return requests;
  };
}

function startupRequest(bytes: Buffer): ClientRequest {
  const code = bytes.readInt32BE(4);
  if (code === sslRequestCode || code === gssRequestCode) return { kind: 'encryption' };
  return code === protocolVersion ? { kind: 'startup', bytes } : { kind: 'unknown' };
}

export interface ReplyScanner {
  /** Takes the next piece of the database's answer. */
  read: (chunk: Uint8Array) => void;
  /** Idle, in a transaction, or in a failed one; null until a ReadyForQuery came. */
  status: () => 'I' | 'T' | 'E' | null;
  /** The text of a FATAL or PANIC error, after which the database answers nobody any more. */
  fatalError: () => string | null;
}

/** Reads the database's answer to one batch, in whatever pieces it comes. */
export function createReplyScanner(): ReplyScanner {
  let pending: Buffer = Buffer.alloc(0);
  let skipBytes = 0;
  let status: 'I' | 'T' | 'E' | null = null;
  let fatalError: string | null = null;

  function read(chunk: Uint8Array) {
    const skipped = Math.min(skipBytes, chunk.length);
    skipBytes -= skipped;
    pending = Buffer.concat([pending, chunk.subarray(skipped)]);
    while (pending.length >= headerBytes) {
      const type = pending[0];
      const totalBytes = 1 + pending.readInt32BE(1);
      const isRead = type === codeOf('Z') || type === codeOf('E');
      if (isRead && pending.length < totalBytes) return;
      if (type === codeOf('Z')) status = transactionStatus(pending[headerBytes]);
      if (type === codeOf('E')) fatalError ??= fatalText(pending.subarray(headerBytes, totalBytes));
      skipBytes = Math.max(0, totalBytes - pending.length);
      pending = pending.subarray(Math.min(totalBytes, pending.length));
    }
  }

  return { read, status: () => status, fatalError: () => fatalError };
}

function transactionStatus(code: number | undefined): 'I' | 'T' | 'E' {
  if (code === codeOf('T')) return 'T';
  return code === codeOf('E') ? 'E' : 'I';
}

/** The fields of an ErrorResponse are each a letter and a text that ends with a zero byte. */
function fatalText(body: Buffer): string | null {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  );
  const severity = fields.get('V') ?? fields.get('S');
  if (severity !== 'FATAL' && severity !== 'PANIC') return null;
  return `${severity} ${fields.get('C')}: ${fields.get('M')}`;
}

/** A simple Query message. */
export function queryMessage(sql: string): Buffer {
  return message('Q', Buffer.from(`${sql}\0`));
}

/**
 * Ends whatever a client left open: a Parse that fails aborts an implicit transaction (a Sync alone would commit
 * it), the Sync ends the wait after an error, and ROLLBACK ends a transaction block.
 */
export function abandonMessages(): Buffer {
  const failingParse = message('P', Buffer.from('\0the client left\0\0\0'));
  return Buffer.concat([failingParse, message('S', Buffer.alloc(0)), queryMessage('ROLLBACK')]);
}

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write(type, 'latin1');
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

function codeOf(letter: string): number {
  return letter.charCodeAt(0);
}
