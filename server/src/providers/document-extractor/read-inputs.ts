import type { ExtractionHeader } from './extraction-protocol.js';
import { LENGTH_BYTES } from './extraction-protocol.js';

const LINE_FEED = 0x0a;

export interface IncomingInput {
  header: ExtractionHeader;
  /** To be called before the next input is asked for. */
  readBody: () => Promise<Buffer>;
}

/** The inputs that the parent sends, as the process sees them; ends with the stream. @throws Error when that is cut off */
export async function* readInputs(stream: AsyncIterable<Buffer>): AsyncGenerator<IncomingInput> {
  const bytes = createByteReader(stream);
  for (;;) {
    const line = await bytes.readLine();
    if (line === null) return;
    yield {
      header: JSON.parse(line.toString('utf8')) as ExtractionHeader,
      readBody: async () => {
        const frames: Buffer[] = [];
        for (;;) {
          const length = (await bytes.readExactly(LENGTH_BYTES)).readUInt32BE();
          if (length === 0) return Buffer.concat(frames);
          frames.push(await bytes.readExactly(length));
        }
      },
    };
  }
}

function createByteReader(stream: AsyncIterable<Buffer>) {
  const iterator = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  /** The bytes up to `endOf` what has arrived; null when the stream ends before them, with nothing in between. */
  async function readTo(endOf: (chunk: Buffer, seenBytes: number) => number): Promise<Buffer | null> {
    const chunks: Buffer[] = [];
    let seenBytes = 0;
    for (;;) {
      const end = endOf(rest, seenBytes);
      if (end !== -1) {
        chunks.push(rest.subarray(0, end));
        rest = rest.subarray(end);
        return Buffer.concat(chunks);
      }
      chunks.push(rest);
      seenBytes += rest.byteLength;
      const next = await iterator.next();
      rest = next.done === true ? Buffer.alloc(0) : next.value;
      if (next.done !== true) continue;
      if (seenBytes === 0) return null;
      throw new Error('the parent ended in the middle of an input');
    }
  }

  return {
    /** Without its line feed; null at the end. */
    readLine: async (): Promise<Buffer | null> => {
      const line = await readTo((chunk) => {
        const index = chunk.indexOf(LINE_FEED);
        return index === -1 ? -1 : index + 1;
      });
      return line?.subarray(0, -1) ?? null;
    },
    readExactly: async (length: number): Promise<Buffer> => {
      const read = await readTo((chunk, seenBytes) =>
        seenBytes + chunk.byteLength >= length ? length - seenBytes : -1,
      );
      if (read === null) throw new Error('the parent ended before the end of an input');
      return read;
    },
  };
}
