import type { Config } from 'drizzle-kit';

const config: Config = {
  dialect: 'postgresql',
  schema: './src/db/schema/*.ts',
  out: './migrations',
};

export { config as default };
