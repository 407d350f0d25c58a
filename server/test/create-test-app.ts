import { sql } from 'drizzle-orm';
import type { FastifyInstance } from 'fastify';
import { createServer } from '#app/create-server.js';
import { type TestContext, createTestContext } from './create-test-context.js';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  /** The parsed body, or the text where it is not JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

interface RequestOptions {
  token?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
}

type PlanName = 'free' | 'pro' | 'enterprise';

export interface TestApp extends TestContext {
  server: FastifyInstance;
  request: (method: string, path: string, options?: RequestOptions) => Promise<Reply>;
  /**
   * A new account, signed in, as the register route answers. A free one, as all begin, has 3 chatbots and 100 indexed
   * pages.
   */
  register: (
    name?: string,
    plan?: PlanName,
  ) => Promise<{ token: string; refreshToken: string; userId: string; email: string }>;
  /** Moves an account to another plan at once. */
  changePlan: (userId: string, plan: PlanName) => Promise<void>;
  /** A new project of that account. */
  createProject: (token: string, settings?: Record<string, unknown>) => Promise<string>;
  /** Adds a source and runs its indexing. @returns the source as it is then */
  addSource: (token: string, projectId: string, body: unknown) => Promise<Reply['body']>;
  upload: (
    token: string,
    projectId: string,
    file: { name: string; content: string | Uint8Array; type?: string; fields?: Record<string, string> },
    headers?: Record<string, string>,
  ) => Promise<Reply>;
}

/** The real server over a test context, asked through its front door. */
export async function createTestApp(options: Parameters<typeof createTestContext>[0] = {}): Promise<TestApp> {
  const context = await createTestContext(options);
  const server = await createServer(context.ctx);
  let accounts = 0;

  const request: TestApp['request'] = async (method, path, { token, body, headers } = {}) => {
    const isRaw = typeof body === 'string' || body instanceof Buffer;
    const response = await server.inject({
      method: method as 'GET',
      url: path,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) }),
    });
    return { status: response.statusCode, headers: response.headers, body: parse(response.body) };
  };

  const app: TestApp = {
    ...context,
    server,
    request,
    register: async (name = 'Ada', plan = 'free') => {
      accounts += 1;
      const email = `user${accounts}@example.com`;
      const { body } = await request('POST', '/v1/auth/register', {
        body: { email, password: 'correct horse battery', name },
      });
      if (plan !== 'free') await app.changePlan(body.user.id, plan);
      return { token: body.accessToken, refreshToken: body.refreshToken, userId: body.user.id, email };
    },
    changePlan: async (userId, plan) => {
      await context.ctx.db.execute(sql`update users set plan = ${plan} where id = ${userId}`);
      await context.ctx.db.execute(sql`
        update usage_periods set plan_id = plan.id, limit_chatbots = plan.limit_chatbots,
          limit_messages_mini = plan.limit_messages_mini, limit_messages_premium = plan.limit_messages_premium,
          limit_indexed_pages = plan.limit_indexed_pages
        from plans plan where plan.name = ${plan} and user_id = ${userId}`);
    },
    createProject: async (token, settings = {}) => {
      const { status, body } = await request('POST', '/v1/projects', {
        token,
        body: { name: 'Project', ...settings },
      });
      // Else a test that makes more than the plan has would fail somewhere else.
      if (status !== 201) throw new Error(`a project was not made: ${JSON.stringify(body)}`);
      return body.id;
    },
    addSource: async (token, projectId, body) => {
      const created = await request('POST', `/v1/projects/${projectId}/sources`, { token, body });
      await context.runJobs();
      return (await request('GET', `/v1/projects/${projectId}/sources/${created.body.id}`, { token })).body;
    },
    upload: (token, projectId, file, headers = {}) => {
      const form = multipart(file);
      return request('POST', `/v1/projects/${projectId}/sources`, {
        token,
        body: form.body,
        headers: { 'content-type': form.contentType, ...headers },
      });
    },
    close: async () => {
      await server.close();
      await context.close();
    },
  };
  return app;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const BOUNDARY = 'botbase-test-boundary';

function multipart(file: {
  name: string;
  content: string | Uint8Array;
  type?: string;
  fields?: Record<string, string>;
}): { body: Buffer; contentType: string } {
  const fields = Object.entries(file.fields ?? {}).map(
    ([name, value]) => `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="${file.name}"\r\ncontent-type: ${file.type ?? 'application/octet-stream'}\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(fields.join('') + head),
    Buffer.from(file.content),
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
  return { body, contentType: `multipart/form-data; boundary=${BOUNDARY}` };
}
