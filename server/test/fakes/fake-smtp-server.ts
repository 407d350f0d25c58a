import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { onTestFinished } from 'vitest';

export interface FakeSmtpServer {
  url: string;
  /** What it took: the envelope's addresses, and the message as it came over the wire. */
  messages: { from: string; to: string[]; source: string }[];
  /** Reply codes for the next recipients, in order; then all are taken. */
  refusals: number[];
}

/** A mail server on loopback until the end of the test; with credentials it demands them. */
export async function startFakeSmtpServer(
  credentials: { user: string; password: string } | null = null,
): Promise<FakeSmtpServer> {
  const fake: FakeSmtpServer = { url: '', messages: [], refusals: [] };
  const server = new SMTPServer({
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    authOptional: credentials === null,
    onAuth: ({ username, password }, _session, done) => {
      const isRight = username === credentials?.user && password === credentials?.password;
      done(isRight ? null : new Error('Wrong credentials'), isRight ? { user: username } : undefined);
    },
    onRcptTo: (_address, _session, done) => {
      const responseCode = fake.refusals.shift();
      done(responseCode === undefined ? null : Object.assign(new Error('No'), { responseCode }));
    },
    onData: (stream, { envelope }, done) => {
      void text(stream).then((source) => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        fake.messages.push({ from, to: envelope.rcptTo.map(({ address }) => address), source });
        done();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  const login = credentials === null ? '' : `${credentials.user}:${credentials.password}@`;
  fake.url = `smtp://${login}127.0.0.1:${port}`;
  return fake;
}
