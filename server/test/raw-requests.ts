const NL = '\r\n';
/** What stands behind a request that must be refused: an answer to it shows that the two were mixed. */
const NEXT = `GET /health/live HTTP/1.1${NL}Host: next${NL}${NL}`;

function post(headers: string[], body = ''): string {
  return [
    'POST /v1/auth/login HTTP/1.1',
    'Host: a',
    'Content-Type: application/json',
    ...headers,
    '',
    body,
  ].join(NL);
}

function get(headers: string[], line = 'GET /health/live HTTP/1.1'): string {
  return [line, ...headers, '', ''].join(NL);
}

const CHUNKED = 'Transfer-Encoding: chunked';

/** Heads and bodies that two readers may take for different requests, or that are none. After RFC 9110 and 9112. */
export const mustBeRefused: [string, string][] = [
  ['Content-Length and Transfer-Encoding', post(['Content-Length: 4', CHUNKED], `0${NL}${NL}`)],
  ['Transfer-Encoding and Content-Length', post([CHUNKED, 'Content-Length: 4'], `0${NL}${NL}`)],
  ['two different lengths', post(['Content-Length: 2', 'Content-Length: 60'], '{}')],
  ['one length twice', post(['Content-Length: 2', 'Content-Length: 2'], '{}')],
  ['a list of lengths', post(['Content-Length: 2, 2'], '{}')],
  ['a length with a sign', post(['Content-Length: +2'], '{}')],
  ['a negative length', post(['Content-Length: -2'], '{}')],
  ['a hexadecimal length', post(['Content-Length: 0x2'], '{}')],
  ['a length with a fraction', post(['Content-Length: 2.0'], '{}')],
  ['a length with a space in it', post(['Content-Length: 2 2'], '{}')],
  ['an empty length', post(['Content-Length: '], '{}')],
  ['a length beyond all numbers', post([`Content-Length: ${'9'.repeat(40)}`], '{}')],
  ['a length that is no number', post(['Content-Length: two'], '{}')],
  ['a space before the colon', post(['Content-Length : 2'], '{}')],
  ['a space before the colon of Transfer-Encoding', post(['Transfer-Encoding : chunked'], `0${NL}${NL}`)],
  ['an unknown Transfer-Encoding', post(['Transfer-Encoding: xchunked'], `0${NL}${NL}`)],
  ['chunked that is not last', post(['Transfer-Encoding: chunked, identity'], `0${NL}${NL}`)],
  ['Transfer-Encoding with a vertical tab', post(['Transfer-Encoding: \u000bchunked'], `0${NL}${NL}`)],
  ['a name with a NUL', post(['Content\u0000-Length: 2'], '{}')],
  ['a value with a NUL', get(['Host: a', 'X: a\u0000b'])],
  ['a value with a bare CR', get(['Host: a', 'X: a\rb'])],
  ['a name with a space', get(['Host: a', 'X Y: a'])],
  ['a name with a bracket', get(['Host: a', 'X(: a'])],
  ['a name that is empty', get(['Host: a', ': a'])],
  ['a line without a colon', get(['Host: a', 'nothing'])],
  ['a folded line', get(['Host: a', 'X: a', ' b'])],
  ['a first header that is folded', get([' Host: a'])],
  ['lines that end in CR alone', 'GET /health/live HTTP/1.1\rHost: a\r\r'],
  ['no Host', get([])],
  ['two hosts', get(['Host: a', 'Host: b'])],
  ['two credentials', get(['Host: a', 'Authorization: Bearer a', 'Authorization: Bearer b'])],
  ['two types', post(['Content-Length: 2', 'Content-Type: text/plain'], '{}')],
  ['an unknown method', get(['Host: a'], 'FETCH /health/live HTTP/1.1')],
  ['a method in small letters', get(['Host: a'], 'get /health/live HTTP/1.1')],
  ['a method with a space before it', get(['Host: a'], ' GET /health/live HTTP/1.1')],
  ['no version', get(['Host: a'], 'GET /health/live')],
  ['a version in small letters', get(['Host: a'], 'GET /health/live http/1.1')],
  ['version 1.2', get(['Host: a'], 'GET /health/live HTTP/1.2')],
  ['version 2.0', get(['Host: a'], 'GET /health/live HTTP/2.0')],
  ['a long version', get(['Host: a'], 'GET /health/live HTTP/1.10')],
  ['another protocol', get(['Host: a'], 'GET /health/live RTSP/1.0')],
  ['an address with a space', get(['Host: a'], 'GET /health live HTTP/1.1')],
  ['an address with a NUL', get(['Host: a'], 'GET /health\u0000/live HTTP/1.1')],
  ['an address with a control character', get(['Host: a'], 'GET /health\u0001 HTTP/1.1')],
  ['no address', get(['Host: a'], 'GET HTTP/1.1')],
  ['a chunk without a size', post([CHUNKED], `${NL}{}${NL}0${NL}${NL}`)],
  ['a chunk with a size that is no number', post([CHUNKED], `g${NL}{}${NL}0${NL}${NL}`)],
  ['a chunk with 0x', post([CHUNKED], `0x2${NL}{}${NL}0${NL}${NL}`)],
  ['a chunk with a sign', post([CHUNKED], `-2${NL}{}${NL}0${NL}${NL}`)],
  ['a chunk beyond all numbers', post([CHUNKED], `${'f'.repeat(20)}${NL}{}${NL}0${NL}${NL}`)],
  ['a chunk with more than it says', post([CHUNKED], `1${NL}{}${NL}0${NL}${NL}`)],
  ['a chunk that ends in LF', post([CHUNKED], `2${NL}{}\n0${NL}${NL}`)],
  ['headers of 17 KiB', get(['Host: a', `X: ${'x'.repeat(17 * 1024)}`])],
  ['headers of 64 KiB', get(['Host: a', `Authorization: Bearer ${'x'.repeat(64 * 1024)}`])],
  ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
  ['bytes', '\u0000\u0001\u0002\u0003'],
].map(([what = '', text = '']) => [what, text + NEXT]);
