import { resolve } from 'node:path';
import { z } from 'zod';
import { variables } from './variables.js';

/** The environment is unusable: `faults` holds one line per variable, each naming it and what is wrong. */
export class ConfigError extends Error {
  readonly faults: string[];

  constructor(faults: string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

export type Role = 'all' | 'api' | 'worker';

export interface Config {
  environment: 'development' | 'production' | 'test';
  role: Role;
  http: {
    port: number;
    host: string;
    /** Null: `http://HOST:PORT`, known when the server listens. */
    publicUrl: string | null;
    corsOrigins: string[];
    trustProxy: number | string[] | false;
    metricsToken: string | null;
  };
  dataDir: string;
  database: { url: string | null; poolSize: number };
  /** Null: this process dispatches its own jobs and shares nothing. */
  redisUrl: string | null;
  /** Null: uploaded files are kept in `dataDir`. */
  s3: {
    bucket: string;
    endpoint: string | null;
    region: string;
    /** Null: from where the SDK looks for them by itself. */
    credentials: { accessKeyId: string; secretAccessKey: string } | null;
  } | null;
  /** Null where it is to be generated once into `dataDir`. */
  jwtSecret: string | null;
  encryptionKey: Buffer | null;
  /** Decrypt what was encrypted before `encryptionKey` came. */
  previousEncryptionKeys: Buffer[];
  accessTokenSeconds: number;
  refreshTokenSeconds: number;
  bcryptRounds: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  sentryDsn: string | null;
  otlpEndpoint: string | null;
  mail: {
    /** Null: mails become files in `dataDir`/outbox. */
    smtpUrl: string | null;
    from: string;
  };
  stripe: {
    /** Null where there are no payments; they need both. */
    secretKey: string | null;
    webhookSecret: string | null;
    /** Null: Stripe's own. */
    apiBase: string | null;
    /** At the start of an account's first subscription; 0: none. */
    trialDays: number;
  };
  maxUploadBytes: number;
  models: {
    /** Null: the built-in models. */
    endpoint: { baseUrl: string; apiKey: string | null } | null;
    embedding: { model: string; dimensions: number } | null;
    chat: { mini: string; premium: string };
    /** Null: nobody puts passages into another order. */
    rerank: { baseUrl: string; apiKey: string | null; model: string } | null;
  };
  rateLimit: { perAddress: number; perUser: number; windowMs: number };
  /** 0: entries of the audit log are kept for ever. */
  auditRetentionDays: number;
  allowPrivateNetworks: boolean;
  /** Null: no page is drawn by a browser. */
  browser: { endpoint: string } | { executablePath: string } | null;
}

const OPENAI_BASE_URL = 'https://api.openai.com/v1';
const MIN_PRODUCTION_BCRYPT_ROUNDS = 12;

const environmentSchema = z.object(
  Object.fromEntries(Object.entries(variables).map(([name, { schema }]) => [name, schema])) as {
    [Name in keyof typeof variables]: (typeof variables)[Name]['schema'];
  },
);

/**
 * Reads the configuration from environment variables.
 * @throws ConfigError with every fault at once
 */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(set);
  const faults = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  faults.push(...strictFaults(set, faults));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  const env = parsed.data;
  const hasEndpoint = env.OPENAI_API_KEY !== undefined || env.OPENAI_BASE_URL !== undefined;
  return {
    environment: env.NODE_ENV,
    role: env.ROLE,
    http: {
      port: env.PORT,
      host: env.HOST,
      publicUrl: env.PUBLIC_URL ?? null,
      corsOrigins: env.CORS_ORIGINS,
      trustProxy: env.TRUST_PROXY ?? false,
      metricsToken: env.METRICS_TOKEN ?? null,
    },
    dataDir: resolve(env.DATA_DIR),
    database: { url: env.DATABASE_URL ?? null, poolSize: env.DATABASE_POOL_SIZE },
    redisUrl: env.REDIS_URL ?? null,
    s3: storageOf(env),
    jwtSecret: env.JWT_SECRET ?? null,
    encryptionKey: env.ENCRYPTION_KEY ?? null,
    previousEncryptionKeys: env.ENCRYPTION_KEYS_PREVIOUS,
    accessTokenSeconds: env.JWT_EXPIRY,
    refreshTokenSeconds: env.JWT_REFRESH_EXPIRY,
    bcryptRounds: env.BCRYPT_ROUNDS,
    logLevel: env.LOG_LEVEL,
    sentryDsn: env.SENTRY_DSN ?? null,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    mail: { smtpUrl: env.SMTP_URL ?? null, from: env.SMTP_FROM },
    stripe: {
      secretKey: env.STRIPE_SECRET_KEY ?? null,
      webhookSecret: env.STRIPE_WEBHOOK_SECRET ?? null,
      apiBase: env.STRIPE_API_BASE ?? null,
      trialDays: env.STRIPE_TRIAL_DAYS,
    },
    maxUploadBytes: env.MAX_UPLOAD_BYTES,
    models: {
      endpoint: hasEndpoint
        ? { baseUrl: env.OPENAI_BASE_URL ?? OPENAI_BASE_URL, apiKey: env.OPENAI_API_KEY ?? null }
        : null,
      embedding:
        hasEndpoint && env.OPENAI_EMBEDDING_MODEL !== 'none'
          ? { model: env.OPENAI_EMBEDDING_MODEL, dimensions: env.OPENAI_EMBEDDING_DIMENSIONS }
          : null,
      chat: { mini: env.OPENAI_CHAT_MODEL_MINI, premium: env.OPENAI_CHAT_MODEL_PREMIUM },
      rerank:
        env.RERANK_BASE_URL === undefined
          ? null
          : { baseUrl: env.RERANK_BASE_URL, apiKey: env.RERANK_API_KEY ?? null, model: env.RERANK_MODEL },
    },
    rateLimit: {
      perAddress: env.RATE_LIMIT_MAX_REQUESTS,
      perUser: env.RATE_LIMIT_MAX_REQUESTS_AUTH,
      windowMs: env.RATE_LIMIT_WINDOW_MS,
    },
    auditRetentionDays: env.AUDIT_RETENTION_DAYS,
    allowPrivateNetworks: env.CRAWLER_ALLOW_PRIVATE_NETWORKS,
    browser: browserOf(env),
  };
}

function browserOf(env: z.infer<typeof environmentSchema>): Config['browser'] {
  if (env.BROWSER_WS_ENDPOINT !== undefined) return { endpoint: env.BROWSER_WS_ENDPOINT };
  return env.BROWSER_PATH === undefined ? null : { executablePath: env.BROWSER_PATH };
}

function storageOf(env: z.infer<typeof environmentSchema>): Config['s3'] {
  const { S3_BUCKET: bucket, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (bucket === undefined) return null;
  // Temporary credentials have a third part, which the SDK reads by itself.
  const isLeftToSdk = env.AWS_SESSION_TOKEN !== undefined;
  const credentials =
    isLeftToSdk || accessKeyId === undefined || secretAccessKey === undefined
      ? null
      : { accessKeyId, secretAccessKey };
  return { bucket, endpoint: env.S3_ENDPOINT ?? null, region: env.AWS_REGION, credentials };
}

/** What production and a shared database demand beyond each variable's own form. */
function strictFaults(set: Record<string, string | undefined>, known: string[]): string[] {
  const isProduction = set['NODE_ENV'] === 'production';
  const faults: string[] = [];
  if (isProduction || set['DATABASE_URL'] !== undefined) {
    const because = isProduction ? 'NODE_ENV=production' : 'DATABASE_URL is set';
    if (set['JWT_SECRET'] === undefined) {
      faults.push(`JWT_SECRET: is required because ${because}: make one with \`openssl rand -base64 48\``);
    }
    if (set['ENCRYPTION_KEY'] === undefined) {
      faults.push(
        `ENCRYPTION_KEY: is required because ${because}: make one with \`openssl rand -base64 32\``,
      );
    }
  }
  if (set['ROLE'] !== undefined && set['ROLE'] !== 'all' && set['DATABASE_URL'] === undefined) {
    faults.push('ROLE: api and worker need DATABASE_URL: the embedded database serves one process only');
  }
  if (set['SMTP_URL'] !== undefined && set['SMTP_FROM'] === undefined) {
    faults.push('SMTP_FROM: is required because SMTP_URL is set: the address that mails come from');
  }
  if (set['S3_BUCKET'] === undefined && set['S3_ENDPOINT'] !== undefined) {
    faults.push('S3_BUCKET: is required because S3_ENDPOINT is set');
  }
  if (set['RERANK_BASE_URL'] === undefined && (set['RERANK_API_KEY'] ?? set['RERANK_MODEL']) !== undefined) {
    faults.push('RERANK_BASE_URL: is required because RERANK_API_KEY or RERANK_MODEL is set');
  }
  if ((set['AWS_ACCESS_KEY_ID'] === undefined) !== (set['AWS_SECRET_ACCESS_KEY'] === undefined)) {
    faults.push('AWS_SECRET_ACCESS_KEY: set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither');
  }
  const rounds = Number(set['BCRYPT_ROUNDS'] ?? MIN_PRODUCTION_BCRYPT_ROUNDS);
  const isRoundsReported = known.some((fault) => fault.startsWith('BCRYPT_ROUNDS'));
  if (isProduction && !isRoundsReported && rounds < MIN_PRODUCTION_BCRYPT_ROUNDS) {
    faults.push(`BCRYPT_ROUNDS: must be ${MIN_PRODUCTION_BCRYPT_ROUNDS} or more in production`);
  }
  return faults;
}
