import { describe, expect, it } from 'vitest';

import { createReplyScanner, createRequestReader, queryMessage } from './wire-messages.js';

const startup = Buffer.from('000000150003000075736572006261636b65640000', 'hex');
const sslRequest = Buffer.from('0000000804d2162f', 'hex');
const cancelRequest = Buffer.from('0000001004d2162e0000000100000002', 'hex');
const parse = typed('P', '\0select 1\0\0\0');
const bind = typed('B', '\0\0\0\0\0\0\0\0');
const sync = typed('S', '');

function typed(type: string, body: string): Buffer {
  const message = Buffer.from(`${type}\0\0\0\0${body}`, 'latin1');
  message.writeInt32BE(message.length - 1, 1);
  return message;
}

describe('createRequestReader', () => {
  const conversation = Buffer.concat([
    sslRequest,
    startup,
    queryMessage('begin'),
    parse,
    bind,
    sync,
    typed('X', ''),
  ]);
  const requests = [
    { kind: 'encryption' },
    { kind: 'startup', bytes: startup },
    { kind: 'batch', bytes: queryMessage('begin') },
    { kind: 'batch', bytes: Buffer.concat([parse, bind, sync]) },
    { kind: 'terminate' },
  ];

  it('gives the same requests however the bytes are cut', () => {
    for (let pieceBytes = 1; pieceBytes <= conversation.length; pieceBytes += 1) {
      const read = createRequestReader();
      const found = [];
      for (let start = 0; start < conversation.length; start += pieceBytes) {
        found.push(...read(conversation.subarray(start, start + pieceBytes)));
      }
      expect(found).toEqual(requests);
    }
  });

  it('holds back a query whose Sync has not come', () => {
    const read = createRequestReader();
    read(startup);

    expect(read(Buffer.concat([parse, bind]))).toEqual([]);
    expect(read(sync)).toEqual([{ kind: 'batch', bytes: Buffer.concat([parse, bind, sync]) }]);
  });

  it('does not know a cancel request, another protocol version or an impossible length', () => {
    const otherVersion = Buffer.from('0000000900020000ff', 'hex');
    const impossibleLength = Buffer.from('5100000003', 'hex');

    expect(createRequestReader()(cancelRequest)).toEqual([{ kind: 'unknown' }]);
    expect(createRequestReader()(otherVersion)).toEqual([{ kind: 'unknown' }]);
    expect(createRequestReader()(Buffer.concat([startup, impossibleLength]))).toEqual([
      { kind: 'startup', bytes: startup },
      { kind: 'unknown' },
    ]);
  });
});

describe('createReplyScanner', () => {
  const row = typed('D', `\0\x01\0\0\0\x05Z\0\0\0\x05`);
  const failure = typed('E', 'SERROR\0VERROR\0C42601\0Mno\0\0');
  const fatal = typed('E', 'SFATAL\0VFATAL\0C25P03\0Mtoo idle\0\0');

  it.each([
    { reply: [row, typed('Z', 'I')], status: 'I', fatalError: null },
    { reply: [failure, typed('Z', 'E')], status: 'E', fatalError: null },
    { reply: [row, typed('Z', 'I'), row, typed('Z', 'T')], status: 'T', fatalError: null },
    { reply: [row], status: null, fatalError: null },
    { reply: [row, fatal], status: null, fatalError: 'FATAL 25P03: too idle' },
  ])(
    'finds status $status and error $fatalError however the bytes are cut',
    ({ reply, status, fatalError }) => {
      const bytes = Buffer.concat(reply);
      for (let pieceBytes = 1; pieceBytes <= bytes.length; pieceBytes += 1) {
        const scanner = createReplyScanner();
        for (let start = 0; start < bytes.length; start += pieceBytes) {
          scanner.read(bytes.subarray(start, start + pieceBytes));
        }
        expect(scanner.status()).toBe(status);
        expect(scanner.fatalError()).toBe(fatalError);
      }
    },
  );
});
