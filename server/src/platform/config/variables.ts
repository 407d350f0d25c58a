import { z } from 'zod';
import {
  boolean,
  duration,
  encryptionKey,
  encryptionKeys,
  headerText,
  httpUrl,
  integer,
  isBareAddress,
  mailbox,
  origins,
  postgresUrl,
  proxies,
  redisUrl,
  secret,
  smtpUrl,
  websocketUrl,
} from './variable-kinds.js';

/** One environment variable: how it is read, and what ENV_CONFIG.md says about it. */
interface Variable<Schema extends z.ZodType> {
  schema: Schema;
  /** What stands in the table for an unset variable. */
  fallback: string;
  description: string;
}

const MIB = 1024 * 1024;

function variable<Schema extends z.ZodType>(schema: Schema, fallback: string, description: string) {
  return { schema, fallback, description } satisfies Variable<Schema>;
}

/** Every variable that the program reads. An empty value counts as unset. */
export const variables = {
  ROLE: variable(
    z.enum(['all', 'api', 'worker'], { error: 'must be all, api or worker' }).default('all'),
    '`all`',
    'What this process does: `api` answers requests, `worker` runs jobs, `all` both. `api` and `worker` need `DATABASE_URL`.',
  ),
  PORT: variable(
    integer(0, 65_535).default(3000),
    '`3000`',
    'Port that the API listens on; `0` takes a free one.',
  ),
  HOST: variable(z.string().default('127.0.0.1'), '`127.0.0.1`', 'Address that the API listens on.'),
  DATA_DIR: variable(
    z.string().default('./data'),
    '`./data`',
    'Folder of the embedded database, uploaded files and generated secrets.',
  ),
  DATABASE_URL: variable(
    postgresUrl.optional(),
    'embedded PostgreSQL in `DATA_DIR`',
    'PostgreSQL 14+ with pgvector 0.8+.',
  ),
  DATABASE_POOL_SIZE: variable(
    integer(1, 1000).default(20),
    '`20`',
    'Connections per process on a real server; the embedded database always uses one.',
  ),
  REDIS_URL: variable(
    redisUrl.optional(),
    'this process alone',
    'Redis 6.2+ with `maxmemory-policy noeviction`: dispatches jobs, and shares rate limits and live events between processes.',
  ),
  S3_BUCKET: variable(
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
      .optional(),
    'files in `DATA_DIR`',
    'Bucket of an S3-compatible storage for uploaded files. Needs the rights `s3:GetObject`, `PutObject`, `DeleteObject`, `ListBucket`, `AbortMultipartUpload` and `ListBucketMultipartUploads`.',
  ),
  S3_ENDPOINT: variable(
    httpUrl.refine(isBareAddress, 'must have no user, query or fragment').optional(),
    'Amazon’s',
    'Address of an S3-compatible storage such as MinIO; path-style addresses are used there.',
  ),
  AWS_REGION: variable(z.string().default('us-east-1'), '`us-east-1`', 'Region of the bucket.'),
  AWS_ACCESS_KEY_ID: variable(
    z.string().optional(),
    'the SDK’s own sources',
    'Access key of the bucket; needs `AWS_SECRET_ACCESS_KEY`. Without both the SDK looks for itself: profile, container role, instance role.',
  ),
  AWS_SECRET_ACCESS_KEY: variable(
    z.string().optional(),
    'the SDK’s own sources',
    'Secret of the access key.',
  ),
  AWS_SESSION_TOKEN: variable(z.string().optional(), 'none', 'Third part of temporary credentials.'),
  JWT_SECRET: variable(
    secret.optional(),
    'generated into `DATA_DIR`',
    'Signs access tokens: at least 32 bytes, and none that is publicly known. Required when `NODE_ENV=production` or `DATABASE_URL` is set.',
  ),
  ENCRYPTION_KEY: variable(
    encryptionKey.optional(),
    'generated into `DATA_DIR`',
    'Encrypts secrets at rest: 32 bytes in base64. Required when `JWT_SECRET` is.',
  ),
  ENCRYPTION_KEYS_PREVIOUS: variable(
    encryptionKeys.default([]),
    'none',
    'Earlier values of `ENCRYPTION_KEY`, separated by commas: they decrypt what was encrypted with them, and encrypt nothing.',
  ),
  JWT_EXPIRY: variable(duration.default(86_400), '`24h`', 'Lifetime of an access token.'),
  JWT_REFRESH_EXPIRY: variable(duration.default(604_800), '`7d`', 'Lifetime of a refresh token.'),
  BCRYPT_ROUNDS: variable(
    integer(4, 16).default(12),
    '`12`',
    'Cost of password hashes; 12 or more in production.',
  ),
  PUBLIC_URL: variable(
    httpUrl.optional(),
    '`http://HOST:PORT`',
    'The address that people reach the server by.',
  ),
  NODE_ENV: variable(
    z
      .enum(['development', 'production', 'test'], { error: 'must be development, production or test' })
      .default('development'),
    '`development`',
    '`production` turns on the strict checks.',
  ),
  LOG_LEVEL: variable(
    z
      .enum(['debug', 'info', 'warn', 'error'], { error: 'must be debug, info, warn or error' })
      .default('info'),
    '`info`',
    'The least level that is logged.',
  ),
  METRICS_TOKEN: variable(
    z.string().min(16, 'must have at least 16 characters').optional(),
    'both only when `HOST` is loopback',
    'Bearer token for `/metrics` and the detailed `/health`.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(
    httpUrl.optional(),
    'no traces',
    'OpenTelemetry collector (OTLP over HTTP) that traces are sent to.',
  ),
  SENTRY_DSN: variable(
    z
      .string()
      .regex(/^https?:\/\/\w+@[^/]+\/(.*\/)?\d+$/, 'must be a DSN such as https://key@sentry.example.com/1')
      .optional(),
    'no error tracking',
    'Sentry project that unexpected errors are sent to.',
  ),
  MAX_UPLOAD_BYTES: variable(
    integer(1024, 1024 * MIB).default(50 * MIB),
    '`52428800` (50 MiB)',
    'Size limit of one uploaded file or fetched page.',
  ),
  OPENAI_API_KEY: variable(
    z.string().optional(),
    'built-in models',
    'Key of an OpenAI-compatible endpoint. Without it and `OPENAI_BASE_URL` the built-in models answer.',
  ),
  OPENAI_BASE_URL: variable(
    httpUrl.optional(),
    '`https://api.openai.com/v1` with a key',
    'Base URL of an OpenAI-compatible endpoint, with its `/v1`.',
  ),
  OPENAI_EMBEDDING_MODEL: variable(
    z.string().default('text-embedding-3-small'),
    '`text-embedding-3-small`',
    'Embedding model; `none` leaves retrieval to words alone.',
  ),
  OPENAI_EMBEDDING_DIMENSIONS: variable(
    integer(1, 16_000).default(1536),
    '`1536`',
    'Size of the embedding model’s vectors.',
  ),
  OPENAI_CHAT_MODEL_MINI: variable(
    z.string().default('gpt-5-mini'),
    '`gpt-5-mini`',
    'Chat model of the `mini` tier.',
  ),
  OPENAI_CHAT_MODEL_PREMIUM: variable(
    z.string().default('gpt-5'),
    '`gpt-5`',
    'Chat model of the `premium` tier.',
  ),
  RERANK_BASE_URL: variable(
    httpUrl.optional(),
    'no such endpoint',
    'Base URL of a Cohere-compatible rerank endpoint, with its version: `/rerank` is added. For projects with `rerank: "endpoint"`.',
  ),
  RERANK_API_KEY: variable(z.string().optional(), 'none', 'Its key, sent as bearer token.'),
  RERANK_MODEL: variable(z.string().default('rerank-v3.5'), '`rerank-v3.5`', 'Its model.'),
  RATE_LIMIT_MAX_REQUESTS: variable(
    integer(1, 10_000_000).default(100),
    '`100`',
    'Requests per address and window without an account; register and login allow a fifth of it.',
  ),
  RATE_LIMIT_MAX_REQUESTS_AUTH: variable(
    integer(1, 10_000_000).default(1000),
    '`1000`',
    'Requests per user and window.',
  ),
  RATE_LIMIT_WINDOW_MS: variable(
    integer(1000, 86_400_000).default(60_000),
    '`60000`',
    'Length of the window.',
  ),
  TRUST_PROXY: variable(
    proxies.optional(),
    'none',
    'Number of proxies, or their addresses and CIDRs, whose `X-Forwarded-For` counts.',
  ),
  CORS_ORIGINS: variable(
    origins.default([]),
    'own origin',
    'Origins, separated by commas, that may call the owner’s API from a browser.',
  ),
  SMTP_URL: variable(
    smtpUrl.optional(),
    'files in `DATA_DIR/outbox`',
    'Mail server, such as `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://…:465`.',
  ),
  SMTP_FROM: variable(
    mailbox.default('Botbase <botbase@localhost>'),
    '`Botbase <botbase@localhost>`',
    'Address that mails come from; required with `SMTP_URL`.',
  ),
  STRIPE_SECRET_KEY: variable(
    headerText.optional(),
    'no payments',
    'Secret key of a Stripe account (`sk_…` or `rk_…`), for subscriptions and add-ons. Needs `STRIPE_WEBHOOK_SECRET`; without both, plans are set by an admin.',
  ),
  STRIPE_WEBHOOK_SECRET: variable(
    headerText.optional(),
    'no payments',
    'Signing secret (`whsec_…`) of the webhook endpoint at Stripe that points to `/v1/stripe/webhook`.',
  ),
  STRIPE_API_BASE: variable(
    httpUrl
      .refine(
        (url) => isBareAddress(url) && new URL(url).pathname === '/',
        'must be an origin such as http://stripe-proxy:8080',
      )
      .optional(),
    'Stripe’s',
    'Origin to reach Stripe’s API by: for a proxy, or a stand-in in tests.',
  ),
  STRIPE_TRIAL_DAYS: variable(
    integer(0, 730).default(0),
    '`0`',
    'Days that cost nothing at the start of an account’s first subscription.',
  ),
  AUDIT_RETENTION_DAYS: variable(
    integer(0, 36_500).default(365),
    '`365`',
    'How long entries of the audit log are kept, in days; `0` keeps them for ever.',
  ),
  CRAWLER_ALLOW_PRIVATE_NETWORKS: variable(
    boolean.default(false),
    '`false`',
    '`true` lets the page fetcher reach private, loopback and link-local addresses: for tests and closed networks only.',
  ),
  BROWSER_WS_ENDPOINT: variable(
    websocketUrl.optional(),
    'no browser',
    'A headless Chromium (its DevTools address, `ws://…`) for crawls with `render`: it reaches pages through this server alone.',
  ),
  BROWSER_PATH: variable(
    z.string().optional(),
    'no browser',
    'The same with a Chromium on this machine, started when it is needed.',
  ),
};
