import { Agent, type RequestOptions, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

/** More than the parser and the connection hold of a body that nobody reads. */
const FILE_BYTES = 3_000_000;

let app: TestApp;
let url: string;

beforeAll(async () => {
  app = await createTestApp();
  url = await app.server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => app.close());

function send(path: string, options: RequestOptions, body: Buffer | null): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, options, (response) => {
      void text(response).then(() => resolve(response.statusCode ?? 0), reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

it('an upload that is refused before it was read leaves its connection to the next request', async () => {
  const { token } = await app.register();
  const project = await app.createProject(token);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const authorization = `Bearer ${token}`;
  const body = Buffer.concat([
    Buffer.from('--edge\r\ncontent-disposition: form-data; name="wrong"; filename="a.txt"\r\n\r\n'),
    Buffer.alloc(FILE_BYTES, 'a'),
    Buffer.from('\r\n--edge--\r\n'),
  ]);
  const headers = {
    authorization,
    'content-type': 'multipart/form-data; boundary=edge',
    'content-length': body.length,
  };
  const upload = { method: 'POST', agent, headers };
  expect(await send(`/v1/projects/${project}/sources`, upload, body)).toBe(400);
  expect(await send('/v1/projects', { agent, headers: { authorization } }, null)).toBe(200);
  agent.destroy();
});
