import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { compactVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Context } from '#platform/context.js';
import { createFakeClock } from '#test/fakes/fake-clock.js';
import { corpusOrNull } from '#test/read-corpus.js';
import { generateAccessToken, verifyAccessToken } from './access-token.js';

const SECRET = 'kV9!tq2Zr7#mB4xW8pLs3nYd6hGf1jCu';
const clock = createFakeClock();
const now = Math.floor(clock.now().getTime() / 1000);
const config = { jwtSecret: SECRET, accessTokenSeconds: 60 } as Context['config'];
const ctx = { config, clock };
const ID = '01900000-0000-7000-8000-000000000001';
const HEADER = { alg: 'HS256', typ: 'at+jwt' };
const CLAIMS = { iss: 'botbase', aud: 'botbase-api', sub: ID, sid: ID, jti: ID, iat: now, exp: now + 60 };

/** A token of any header and claims, as somebody would make it who has the secret, or takes `key` for it. */
function forge(header: string, claims: string, hash = 'sha256', key: string | Buffer = SECRET): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

const isTaken = (token: string) =>
  verifyAccessToken(ctx, token).then(
    () => true,
    () => false,
  );
const isTakenWith = (claims: object, text?: string) =>
  isTaken(forge(JSON.stringify(HEADER), text ?? JSON.stringify({ ...CLAIMS, ...claims })));

describe('verifyAccessToken', () => {
  it('takes what generateAccessToken made, and what was forged here is like it', async () => {
    const claims = { userId: ID, sessionId: ID };
    expect(await verifyAccessToken(ctx, await generateAccessToken(ctx, claims))).toEqual(claims);
    expect(await isTakenWith({})).toBe(true);
  });

  it.each([
    { exp: undefined },
    { exp: null },
    { exp: String(now + 60) },
    { exp: now + 60.5 },
    { exp: -1 },
    { exp: now },
    { exp: [now + 60] },
    { nbf: now + 1 },
    { nbf: 'x' },
    { iat: undefined },
    { iat: String(now) },
    { aud: undefined },
    { aud: [] },
    { aud: ['botbase'] },
    { iss: undefined },
    { iss: ['botbase'] },
    { iss: 'Botbase' },
    { sub: undefined },
    { sub: '' },
    { sub: null },
    { sub: 'x' },
    { sub: [ID] },
    { sid: undefined },
    { sid: '' },
    { jti: undefined },
  ])('refuses %j, though well signed', async (claims) => {
    expect(await isTakenWith(claims)).toBe(false);
  });

  it('refuses claims that are no JSON object, and times beyond all numbers', async () => {
    for (const text of ['', 'null', '[]', '"x"', '1', '{', JSON.stringify(CLAIMS).slice(0, -1)]) {
      expect({ text, isTaken: await isTakenWith({}, text) }).toEqual({ text, isTaken: false });
    }
    const endless = JSON.stringify(CLAIMS).replace(/"exp":\d+/, '"exp":1e309');
    expect(await isTakenWith({}, endless)).toBe(false);
  });

  it.each([
    { alg: 'none' },
    { alg: 'None' },
    { alg: 'hs256' },
    { alg: '' },
    { alg: null },
    { alg: ['HS256'] },
    { alg: 'RS256' },
    { alg: 'ES256' },
    { alg: 'PS256' },
    { alg: 'EdDSA' },
    { typ: undefined },
    { typ: 'JWT' },
    { typ: 'rt+jwt' },
    { crit: ['b64'], b64: false },
    { crit: ['x'], x: 1 },
    { zip: 'DEF', crit: ['zip'] },
  ])('refuses the header %j', async (header) => {
    const head = JSON.stringify({ ...HEADER, ...header });
    const claims = JSON.stringify(CLAIMS);
    expect(await isTaken(forge(head, claims))).toBe(false);
    expect(await isTaken(`${encode(head)}.${encode(claims)}.`)).toBe(false);
  });

  it('refuses longer hashes, whose MAC is right', async () => {
    for (const [alg, hash] of [
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
    ] as const) {
      expect(await isTaken(forge(JSON.stringify({ ...HEADER, alg }), JSON.stringify(CLAIMS), hash))).toBe(
        false,
      );
    }
  });

  it('refuses every other spelling of a good token', async () => {
    const token = forge(JSON.stringify(HEADER), JSON.stringify(CLAIMS));
    const [head = '', claims = '', mac = ''] = token.split('.');
    // The MAC has 32 bytes: the last of its 43 characters has two bits that stand for nothing.
    const sibling = mac.slice(0, -1) + String.fromCharCode(mac.charCodeAt(42) + 1);
    expect(Buffer.from(sibling, 'base64url')).toEqual(Buffer.from(mac, 'base64url'));
    const spelled = [
      `${head}.${claims}.${sibling}`,
      `${head}.${claims}.${mac}=`,
      `${head}.${claims}. ${mac}`,
      `${head}.${claims}.${mac}\n`,
      `${head}.${claims}.${mac}.`,
      `${head}.${claims}.${mac}.${mac}`,
      `${head}..${claims}.${mac}`,
      `.${head}.${claims}.${mac}`,
      JSON.stringify({ protected: head, payload: claims, signature: mac }),
    ];
    for (const other of spelled)
      expect({ other, isTaken: await isTaken(other) }).toEqual({ other, isTaken: false });
    // What is in the signed part has its MAC made anew.
    for (const signed of [
      `${head}=.${claims}`,
      `${head}.${claims}==`,
      `${head} .${claims}`,
      `${head}.${claims}!`,
    ]) {
      const remade = `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
      expect({ remade, isTaken: await isTaken(remade) }).toEqual({ remade, isTaken: false });
    }
  });

  it('takes no key from the header: the server’s own is the one that counts', async () => {
    const key = Buffer.alloc(32, 1);
    const jwk = { kty: 'oct', k: key.toString('base64url') };
    for (const hint of [
      { jwk },
      { jku: 'http://127.0.0.1:9/keys' },
      { x5u: 'http://127.0.0.1:9/cert' },
      { kid: '../../../../dev/null' },
    ]) {
      const head = JSON.stringify({ ...HEADER, ...hint });
      expect(await isTaken(forge(head, JSON.stringify(CLAIMS), 'sha256', key))).toBe(false);
      expect(await isTaken(forge(head, JSON.stringify(CLAIMS), 'sha256', ''))).toBe(false);
    }
  });
});

interface Vectors {
  testGroups: {
    comment: string;
    private?: Record<string, string>;
    public?: Record<string, string>;
    tests: { tcId: number; comment: string; jws: string; result: 'valid' | 'invalid' }[];
  }[];
}

const FILE = 'jwt/json_web_signature_test.json.gz';

describe.runIf(corpusOrNull(FILE))('the signatures of a test suite', () => {
  const file = corpusOrNull(FILE);
  const groups =
    file === null ? [] : (JSON.parse(gunzipSync(readFileSync(file)).toString()) as Vectors).testGroups;
  const vectors = groups.flatMap(({ comment: group, private: secret, public: open, tests }) =>
    tests.map((test) => ({ ...test, group, key: secret ?? open ?? {} })),
  );

  it('are access tokens in no case', async () => {
    expect(vectors).toHaveLength(401);
    const taken: string[] = [];
    for (const { comment, jws } of vectors) if (await isTaken(jws)) taken.push(comment);
    expect(taken).toEqual([]);
  });

  it('do not carry living claims in, whatever their header and whichever key is taken for the secret', async () => {
    const taken: string[] = [];
    for (const { tcId, comment, jws, key } of vectors) {
      const header = headerOf(jws);
      if (header === null || header['alg'] === 'HS256') continue;
      const head = JSON.stringify({ ...header, typ: HEADER.typ });
      const keys = [
        SECRET,
        JSON.stringify(key),
        Buffer.from(key['n'] ?? key['x'] ?? key['k'] ?? '', 'base64url'),
      ];
      for (const secret of keys) {
        if (await isTaken(forge(head, JSON.stringify(CLAIMS), 'sha256', secret)))
          taken.push(`${tcId} ${comment}`);
      }
    }
    expect(taken).toEqual([]);
  });

  it('in HS256 are judged by the library as they should be, and all others refused', async () => {
    // How a part may be spelled the library sees less strictly; verifyAccessToken looks at that itself.

    const wrong: string[] = [];
    for (const { tcId, group, comment, jws, result, key } of vectors) {
      if (group === 'base64') continue;
      const secret = Buffer.from(key['k'] ?? 'AAAA', 'base64url');
      const verified = compactVerify(jws, secret, { algorithms: ['HS256'] });
      const isValid = await verified.then(
        () => true,
        () => false,
      );
      const expected = result === 'valid' && key['kty'] === 'oct';
      if (isValid !== expected) wrong.push(`${tcId} ${comment}`);
    }
    expect(wrong).toEqual([]);
  });
});

function headerOf(jws: string): Record<string, unknown> | null {
  try {
    return JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
  } catch {
    return null;
  }
}
