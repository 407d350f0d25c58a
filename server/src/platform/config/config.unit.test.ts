import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from './config.js';

const SECRET = 'kV9!tq2Zr7#mB4xW8pLs3nYd6hGf1jCu';
const KEY = Buffer.alloc(32, 7).toString('base64');

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('parseConfig', () => {
  it('needs nothing: every default is usable', () => {
    const config = parseConfig({});
    expect(config.http).toMatchObject({ port: 3000, host: '127.0.0.1', trustProxy: false });
    expect(config.accessTokenSeconds).toBe(86_400);
    expect(config.refreshTokenSeconds).toBe(604_800);
    expect(config.models.endpoint).toBeNull();
    expect(config.models.embedding).toBeNull();
    expect(config.maxUploadBytes).toBe(52_428_800);
  });

  it('reports every fault at once, one line each, by the name of its variable', () => {
    const faults = faultsOf({ PORT: 'eighty', JWT_EXPIRY: '1 day', LOG_LEVEL: 'loud', TRUST_PROXY: 'yes' });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'PORT',
      'JWT_EXPIRY',
      'LOG_LEVEL',
      'TRUST_PROXY',
    ]);
    expect(faults.every((fault) => !fault.includes('\n'))).toBe(true);
  });

  it('takes an empty value for unset', () => {
    expect(parseConfig({ PORT: '', DATABASE_URL: '' }).http.port).toBe(3000);
  });

  it('demands secrets and strong hashes in production', () => {
    const faults = faultsOf({ NODE_ENV: 'production', BCRYPT_ROUNDS: '10' });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'JWT_SECRET',
      'ENCRYPTION_KEY',
      'BCRYPT_ROUNDS',
    ]);
    expect(faultsOf({ NODE_ENV: 'production', JWT_SECRET: SECRET, ENCRYPTION_KEY: KEY })).toEqual([]);
  });

  it('demands secrets beside a real database', () => {
    expect(
      faultsOf({ DATABASE_URL: 'postgres://localhost/botbase' }).map((fault) => fault.split(':')[0]),
    ).toEqual(['JWT_SECRET', 'ENCRYPTION_KEY']);
  });

  it.each([
    ['short', 'secret', 'at least 32 bytes'],
    ['regular', 'a'.repeat(64), 'too regular'],
    ['published', '!ChangeThisMercureHubJWTSecretKey!', 'publicly known'],
  ])('refuses a %s JWT secret', (_kind, secret, reason) => {
    expect(faultsOf({ JWT_SECRET: secret }).join()).toContain(reason);
  });

  it('uses an endpoint by its key or its address, and can leave out embeddings', () => {
    expect(parseConfig({ OPENAI_API_KEY: 'k' }).models.endpoint).toEqual({
      baseUrl: 'https://api.openai.com/v1',
      apiKey: 'k',
    });
    const local = parseConfig({
      OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1/',
      OPENAI_EMBEDDING_MODEL: 'none',
    });
    expect(local.models.endpoint).toEqual({ baseUrl: 'http://127.0.0.1:8080/v1', apiKey: null });
    expect(local.models.embedding).toBeNull();
  });
});
