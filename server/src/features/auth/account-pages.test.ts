import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { tokenOf } from '#test/mail-tokens.js';

const CHROMIUM = '/usr/bin/chromium';
const PAGES = ['verify-email', 'reset-password', 'invitation'];

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

describe('the pages of mails', () => {
  it.each(PAGES)('lets run on %s what it holds, and nothing else', async (page) => {
    const { status, headers, body } = await app.request('GET', `/account/${page}`);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const hashOf = (element: string) => {
      const content = new RegExp(`<${element}>([^]*?)</${element}>`).exec(String(body))?.[1] ?? '';
      return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
    };
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src ${hashOf('script')}; style-src ${hashOf('style')}; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
    );
  });
});

describe.skipIf(!existsSync(CHROMIUM))('in a browser (skipped where there is no Chromium)', () => {
  let browser: Browser;
  let origin: string;
  beforeAll(async () => {
    await app.server.listen({ port: 0, host: '127.0.0.1' });
    origin = `http://127.0.0.1:${(app.server.server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());

  async function open(name: string, token: string) {
    const page = await browser.newPage();
    await page.goto(`${origin}/account/${name}#token=${token}`);
    expect(page.url()).toBe(`${origin}/account/${name}`);
    return page;
  }

  it('an address is confirmed by one click, and the token leaves the address bar', async () => {
    const { token } = await app.register();
    await app.runJobs();
    const page = await open('verify-email', tokenOf(app.mails.at(-1)));
    await page.click('button');
    await page.getByText('Your address is confirmed.').waitFor();
    const me = await app.request('GET', '/v1/auth/me', { token });
    expect(me.body.emailVerifiedAt).not.toBeNull();
  });

  it('a password is set, after one that is refused with its reason', async () => {
    const { email } = await app.register();
    await app.request('POST', '/v1/auth/password-reset', { body: { email } });
    await app.runJobs();
    const page = await open('reset-password', tokenOf(app.mails.at(-1)));
    await page.getByLabel('New password').fill('12345678');
    await page.click('button');
    await page.getByText('one of the most common passwords').waitFor();
    await page.getByLabel('New password').fill('a quite new one');
    await page.click('button');
    await page.getByText('Your password is set.').waitFor();
    const login = { email, password: 'a quite new one' };
    expect((await app.request('POST', '/v1/auth/login', { body: login })).status).toBe(200);
  });

  it('an invitation makes an account and a member', async () => {
    const { token } = await app.register();
    const projectId = await app.createProject(token);
    const invitation = { email: 'guest@example.com', role: 'viewer' };
    await app.request('POST', `/v1/projects/${projectId}/members`, { token, body: invitation });
    await app.runJobs();
    const page = await open('invitation', tokenOf(app.mails.at(-1)));
    await page.getByLabel('E-mail address').fill('guest@example.com');
    await page.getByLabel('Password').fill('a guest of honour');
    await page.getByLabel('Name').fill('Guest');
    await page.click('button');
    await page.getByText('You are a member of the project now.').waitFor();
    const members = await app.request('GET', `/v1/projects/${projectId}/members`, { token });
    expect(members.body.data).toContainEqual(
      expect.objectContaining({ email: 'guest@example.com', role: 'viewer' }),
    );
  });

  it('a link without its token says so', async () => {
    const page = await browser.newPage();
    await page.goto(`${origin}/account/verify-email`);
    await page.getByText('please open the link of the mail once more').waitFor();
    expect(await page.isDisabled('button')).toBe(true);
  });
});
