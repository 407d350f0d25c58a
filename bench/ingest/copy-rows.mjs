// COPY … FROM STDIN in the binary format, on a client of pg: no text is made of any value.
const SIGNATURE = Buffer.from('PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const END = Buffer.from([0xff, 0xff]);
const COPY_DATA = 0x64;
const BYTES_PER_NUMBER = 4;

/**
 * Opens a COPY for rows of some columns. `write` takes rows, each a list of buffers, and waits where the server is
 * slower; `end` resolves with the last of them stored.
 */
export async function openCopy(client, target) {
  let connection;
  let onOpen;
  const isOpen = new Promise((resolve) => {
    onOpen = resolve;
  });
  const isDone = new Promise((resolve, reject) => {
    client.query({
      submit: (opened) => {
        connection = opened;
        opened.query(`copy ${target} from stdin (format binary)`);
      },
      handleCopyInResponse: () => onOpen(),
      handleCommandComplete: () => {},
      handleReadyForQuery: resolve,
      handleError: reject,
    });
  });
  await Promise.race([isOpen, isDone]);
  send(connection.stream, SIGNATURE);
  return {
    write: async (rows) => {
      if (send(connection.stream, Buffer.concat(rows.flatMap(encodeRow)))) return;
      await new Promise((resolve) => connection.stream.once('drain', resolve));
    },
    end: () => {
      send(connection.stream, END);
      connection.endCopyFrom();
      return isDone;
    },
  };
}

function send(stream, bytes) {
  const head = Buffer.alloc(5);
  head[0] = COPY_DATA;
  head.writeInt32BE(bytes.byteLength + 4, 1);
  stream.write(head);
  return stream.write(bytes);
}

function encodeRow(columns) {
  const count = Buffer.alloc(2);
  count.writeInt16BE(columns.length);
  return [count, ...columns.flatMap((bytes) => [int32(bytes.byteLength), bytes])];
}

export function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** What pgvector reads of a vector: its size, and the numbers with their highest byte first. */
export function encodeVector(littleEndian) {
  const bytes = Buffer.alloc(4 + littleEndian.byteLength);
  bytes.writeInt16BE(littleEndian.byteLength / BYTES_PER_NUMBER);
  littleEndian.copy(bytes, 4);
  bytes.subarray(4).swap32();
  return bytes;
}
