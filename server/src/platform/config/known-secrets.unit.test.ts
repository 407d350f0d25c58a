import { describe, expect, it } from 'vitest';
import { corpusOrNull, readTarball } from '#test/read-corpus.js';
import { secret as secretSchema } from './variable-kinds.js';

const LIST = 'jwt/weak_secrets.tar.gz';

describe.runIf(corpusOrNull(LIST))('a JWT_SECRET of the public list', () => {
  const list = corpusOrNull(LIST);
  const secrets =
    list === null ? [] : [...readTarball(list).values()].flatMap((file) => file.toString().split(/\r?\n/));

  it('is refused at the start, each of them, with white space around it too', () => {
    expect(secrets.length).toBeGreaterThan(100_000);
    const long = secrets.filter((secret) => Buffer.byteLength(secret) >= 32);
    // The short ones are refused by their length.
    const short = secrets.filter((secret, index) => Buffer.byteLength(secret) < 32 && index % 50 === 0);
    const taken = [...short, ...long, ...long.map((secret) => ` ${secret}\n`)].filter(
      (secret) => secretSchema.safeParse(secret).success,
    );
    expect(taken).toEqual([]);
  });

  it('is not mistaken for one that nobody knows', () => {
    const long = secrets.filter((secret) => Buffer.byteLength(secret) >= 32);
    expect(long.length).toBeGreaterThan(1_500);
    const refused = long.filter(
      (secret) => !secretSchema.safeParse(`${secret} and more of it, 7#kV9!tq2Zr`).success,
    );
    expect(refused).toEqual([]);
  });
});
