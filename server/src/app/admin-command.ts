import { AppError } from '#kernel/app-error.js';
import type { Config } from '#platform/config/config.js';
import type { Context } from '#platform/context.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { changeAdminRole } from '#features/admin/change-admin-role.js';
import { emailSchema } from '#platform/http/schemas.js';
import { openDatabase } from './open-database.js';

const USAGE = 'Usage: admin grant <email> | admin revoke <email>';

export interface AdminOptions {
  act: 'grant' | 'revoke';
  email: string;
}

/** Reads the arguments of the command. @throws AppError `validation_failed` */
export function parseAdminOptions(args: string[]): AdminOptions {
  const [act, address = '', ...more] = args;
  if (act !== 'grant' && act !== 'revoke') throw invalid('admin must be told to grant or to revoke.');
  if (more.length > 0) throw invalid('admin takes one address.');
  const email = emailSchema.safeParse(address);
  if (!email.success) throw invalid(`${JSON.stringify(address)} is not an e-mail address.`);
  return { act, email: email.data };
}

function invalid(message: string): AppError {
  return new AppError('validation_failed', `${message}\n${USAGE}`);
}

/** Opens the database that the configuration names, and changes who is an admin. @returns what to print */
export async function runAdminCommand(config: Config, options: AdminOptions): Promise<string> {
  const database = await openDatabase(config, createLogger('warn'), createMetrics());
  try {
    return await changeAdminForCommand({ db: database.db, afterCommit: (task) => task() }, options);
  } finally {
    await database.close();
  }
}

/** @throws AppError `not_found` for an unknown address */
export async function changeAdminForCommand(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  { act, email }: AdminOptions,
): Promise<string> {
  const role = act === 'grant' ? 'admin' : 'user';
  const change = await changeAdminRole(ctx, { email, role });
  if (change === null) {
    throw new AppError('not_found', `There is no account with the address ${email}. Register it first.`);
  }
  const { before, isSuspended, activeAdmins } = change;
  const told: Record<AdminOptions['act'], string> = {
    grant: before === 'admin' ? `${email} is an admin already.` : `${email} is an admin now.`,
    revoke: before === 'user' ? `${email} is no admin.` : `${email} is no admin any more.`,
  };
  const lines = [
    told[act],
    ...(isSuspended && act === 'grant'
      ? ['The account is suspended: it can do nothing until another admin lifts that.']
      : []),
    ...(activeAdmins === 0 ? ['Nobody is an admin now. `admin grant <email>` makes one.'] : []),
  ];
  return `${lines.join('\n')}\n`;
}
