import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { renderMail } from '#platform/mail/render-mail.js';
import { createLogger } from '#platform/logger.js';
import { type Mail, MailRefusedError } from '#platform/ports/mailer.js';
import { startFakeSmtpServer } from '#test/fakes/fake-smtp-server.js';
import { createOutboxMailer } from './outbox-mailer.js';
import { createSmtpMailer } from './smtp-mailer.js';

const FROM = 'Botbase <bot@example.com>';
const never = new AbortController().signal;
const mail: Mail = {
  to: 'ada@example.org',
  id: '0192f0a0-0000-7000-8000-000000000000',
  ...renderMail({
    subject: 'Grüße\r\nBcc: eve@example.net',
    paragraphs: ['<b>Ada & "Bob"</b>'],
    action: { label: 'Open', url: 'https://chat.example.com/account/verify-email#token=abc' },
    footnote: 'You asked for this.',
  }),
};

function smtp(url: string) {
  const mailer = createSmtpMailer({ url, from: FROM });
  onTestFinished(() => mailer.close());
  return mailer;
}

describe('the SMTP mailer', () => {
  it('hands a mail over in text and HTML, to its one receiver, under its own id', async () => {
    const server = await startFakeSmtpServer({ user: 'bot', password: 's3cret' });
    await smtp(server.url).send(mail, never);
    expect(server.messages).toHaveLength(1);
    const [{ from, to, source } = { from: '', to: [], source: '' }] = server.messages;
    expect({ from, to }).toEqual({ from: 'bot@example.com', to: ['ada@example.org'] });
    expect(source).toContain('From: Botbase <bot@example.com>\r\n');
    expect(source).toContain(`Message-ID: <${mail.id}@example.com>\r\n`);
    expect(source).toContain('Auto-Submitted: auto-generated\r\n');
    expect(source).not.toMatch(/^Bcc:/im);
    expect(source).toContain('Content-Type: text/plain; charset=utf-8');
    expect(source).toContain('&#60;b&#62;Ada &#38; &#34;Bob&#34;&#60;/b&#62;');
  });

  it('takes a refused address for final, and a busy or a strange server for a reason to try again', async () => {
    const server = await startFakeSmtpServer();
    const mailer = smtp(server.url);
    server.refusals.push(550, 451);
    await expect(mailer.send(mail, never)).rejects.toBeInstanceOf(MailRefusedError);
    await expect(mailer.send(mail, never)).rejects.not.toBeInstanceOf(MailRefusedError);
    await mailer.send(mail, never);
    expect(server.messages).toHaveLength(1);
    const locked = await startFakeSmtpServer({ user: 'bot', password: 's3cret' });
    const wrong = smtp(locked.url.replace('s3cret', 'wrong'));
    await expect(wrong.send(mail, never)).rejects.not.toBeInstanceOf(MailRefusedError);
  });
});

describe('the outbox', () => {
  it('keeps a mail as a file that only its owner reads, and tells the log where', async () => {
    const directory = join(await mkdtemp(join(tmpdir(), 'botbase-outbox-')), 'outbox');
    onTestFinished(() => rm(join(directory, '..'), { recursive: true }));
    const lines: string[] = [];
    const log = createLogger('debug', { write: (line) => void lines.push(line) });
    await createOutboxMailer({ directory, from: FROM, log }).send(mail, never);
    expect(await readdir(directory)).toEqual([`${mail.id}.eml`]);
    const path = join(directory, `${mail.id}.eml`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const source = await readFile(path, 'utf8');
    expect(source).toContain('To: ada@example.org\n');
    const unfolded = source.replaceAll('=\n', '');
    expect(unfolded).toContain('https://chat.example.com/account/verify-email#token=3Dabc');
    expect(lines.join('')).toContain(`${mail.id}.eml`);
    expect(lines.join('')).not.toContain('ada@example.org');
  });
});
