import type { FastifyPluginAsync } from 'fastify';
import type { AccountPage } from '#platform/mail/account-url.js';
import { ACCOUNT_PAGE_POLICY, renderAccountPage } from './account-page.js';

const PAGES: AccountPage[] = ['verify-email', 'reset-password', 'invitation'];

/** The pages that links in mails open. They know nothing: the token is in the fragment, which no server sees. */
export const accountPageRoutes: FastifyPluginAsync = async (server) => {
  for (const page of PAGES) {
    const html = renderAccountPage(page);
    server.get(`/account/${page}`, { schema: { hide: true } }, async (_request, reply) =>
      reply
        .header('content-security-policy', ACCOUNT_PAGE_POLICY)
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(html),
    );
  }
};
