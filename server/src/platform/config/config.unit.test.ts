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

  it('reads earlier encryption keys, and names the one that is none', () => {
    const other = Buffer.alloc(32, 8).toString('base64');
    const read = (keys: string) => parseConfig({ ENCRYPTION_KEYS_PREVIOUS: keys }).previousEncryptionKeys;
    expect(read('')).toEqual([]);
    expect(read(`${KEY}, ${other}`)).toEqual([Buffer.alloc(32, 7), Buffer.alloc(32, 8)]);
    expect(faultsOf({ ENCRYPTION_KEYS_PREVIOUS: `${KEY},short` })).toEqual([
      'ENCRYPTION_KEYS_PREVIOUS.1: must be 32 bytes in base64: make one with `openssl rand -base64 32`',
    ]);
  });

  const shared = { DATABASE_URL: 'postgres://localhost/botbase', JWT_SECRET: SECRET, ENCRYPTION_KEY: KEY };

  it('is everything in one process, or one role of several on a real database', () => {
    expect(parseConfig({}).role).toBe('all');
    expect(parseConfig({ ...shared, ROLE: 'worker' }).role).toBe('worker');
    expect(faultsOf({ ROLE: 'api' })).toEqual([
      'ROLE: api and worker need DATABASE_URL: the embedded database serves one process only',
    ]);
    expect(faultsOf({ ROLE: 'boss' })[0]).toBe('ROLE: must be all, api or worker');
  });

  it('takes Redis by its address alone', () => {
    expect(parseConfig({}).redisUrl).toBeNull();
    expect(parseConfig({ REDIS_URL: 'rediss://:secret@redis:6380/2' }).redisUrl).toBe(
      'rediss://:secret@redis:6380/2',
    );
    expect(faultsOf({ REDIS_URL: 'localhost:6379' })[0]).toContain('REDIS_URL: must be a URL such as');
  });

  it('keeps files in a bucket when there is one', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    expect(parseConfig({}).s3).toBeNull();
    expect(parseConfig({ S3_BUCKET: 'files', S3_ENDPOINT: 'http://minio:9000/', ...keys }).s3).toEqual({
      bucket: 'files',
      endpoint: 'http://minio:9000',
      region: 'us-east-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });
    expect(parseConfig({ S3_BUCKET: 'files' }).s3?.credentials).toBeNull();
    expect(parseConfig({ S3_BUCKET: 'files', ...keys, AWS_SESSION_TOKEN: 'x' }).s3?.credentials).toBeNull();
    expect(faultsOf({ S3_ENDPOINT: 'http://minio:9000' })).toEqual([
      'S3_BUCKET: is required because S3_ENDPOINT is set',
    ]);
    expect(faultsOf({ S3_BUCKET: 'files', AWS_ACCESS_KEY_ID: 'id' })[0]).toContain('AWS_SECRET_ACCESS_KEY:');
    expect(faultsOf({ S3_BUCKET: 'No Bucket' })[0]).toBe('S3_BUCKET: must be the name of a bucket');
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
