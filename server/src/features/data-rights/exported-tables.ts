import { getTableColumns } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { auditLogs } from '#db/schema/audit-logs.js';
import { creditGrants, invoices, subscriptions } from '#db/schema/billing.js';
import { conversations, messageTraces, messages } from '#db/schema/conversations.js';
import { documents } from '#db/schema/documents.js';
import { evaluationResults, evaluationRuns, testCases, testSets } from '#db/schema/evaluation.js';
import { leads } from '#db/schema/leads.js';
import { projectInvitations, projectMembers, projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { billingEvents, usagePeriods, usageTracking } from '#db/schema/usage.js';
import type { ExportedTable } from './export.queries.js';

const SMALL_ROWS = 200;
/** Documents may have millions of characters. */
const LARGE_ROWS = 5;

/** Everything of a project that somebody put in or that was answered; what is computed from it is left out. */
export const exportedTables: (ExportedTable & { type: string; rowsPerPage: number })[] = [
  exported(
    'project',
    projects,
    `
    id ownerId name description plan isPublic allowedOrigins systemPrompt modelMini modelPremium
    defaultModel temperature topK minScore retrieval fallbackMessage welcomeMessage suggestedQuestions
    language modelFallback retrievalOptions answerOptions leadForm retentionDays retention
    redactPersonalData calibratedScore createdAt updatedAt`,
    { projectId: projects.id },
  ),
  exported('member', projectMembers, 'userId role createdAt', { key: projectMembers.userId }),
  exported(
    'invitation',
    projectInvitations,
    `
    id email role status invitedBy expiresAt acceptedAt createdAt`,
  ),
  exported(
    'source',
    sources,
    `
    id name origin status metadata error documentCount chunkCount lastSyncedAt syncEvery lastSync
    createdAt updatedAt`,
  ),
  exported(
    'document',
    documents,
    `
    id sourceId title url content format language metadata status error chunkCount createdAt updatedAt`,
    { rowsPerPage: LARGE_ROWS },
  ),
  exported(
    'conversation',
    conversations,
    `
    id userId visitorId visitorEmail visitorPhone visitorName status metadata createdAt updatedAt`,
  ),
  exported(
    'message',
    messages,
    `
    id conversationId role content status tier model confidence citations sentences refusal notices
    feedback inputTokens outputTokens cost currency charged chargeReason createdAt`,
  ),
  exported('trace', messageTraces, 'messageId trace createdAt', { key: messageTraces.messageId }),
  exported(
    'lead',
    leads,
    `
    id conversationId visitorId email phone name metadata consentAt consentText createdAt updatedAt`,
  ),
  exported('test_set', testSets, 'id name createdAt updatedAt'),
  exported(
    'test_case',
    testCases,
    `
    id testSetId question expectation expectedSourceId expectedText origin messageId createdAt updatedAt`,
  ),
  exported(
    'evaluation_run',
    evaluationRuns,
    `
    id testSetId status variants total done metrics error createdAt updatedAt`,
  ),
  exported('evaluation_result', evaluationResults, 'id runId testCaseId variant question result createdAt'),
  exported(
    'audit_log',
    auditLogs,
    `
    id actorId actorType action outcome resourceType resourceId changes ip userAgent requestId createdAt`,
  ),
];

/** What an account pays, has used and was charged. The names of things at Stripe say nothing without its account there. */
export const accountTables: (ExportedTable & { type: string; rowsPerPage: number })[] = [
  ofAccount(
    'subscription',
    subscriptions,
    `
    status anchor customLimits customPrice spendingCap humanTicketCost pendingPlan pendingAt stripeCustomerId
    stripeSubscriptionId trialEndsAt createdAt updatedAt`,
    { key: subscriptions.userId },
  ),
  ofAccount(
    'usage_period',
    usagePeriods,
    `
    id periodStart periodEnd planId limitChatbots limitMessagesMini limitMessagesPremium limitIndexedPages
    spendingCap usedMessagesMini usedMessagesPremium processedPages cost createdAt`,
  ),
  ofAccount(
    'project_usage',
    usageTracking,
    `
    id projectId periodStart messagesMini messagesPremium indexedPages cost createdAt`,
  ),
  ofAccount(
    'credit_grant',
    creditGrants,
    `
    id addOnId kind quantity used revoked expiresAt amount currency createdAt`,
  ),
  ofAccount(
    'billing_event',
    billingEvents,
    `
    id projectId eventType=type reason quantity tier periodId creditGrantId cost amount currency metadata createdAt`,
  ),
  ofAccount(
    'invoice',
    invoices,
    `
    id stripeInvoiceId number status amount currency periodStart periodEnd hostedUrl createdAt`,
  ),
];

interface Exceptions {
  key?: PgColumn;
  projectId?: PgColumn;
  rowsPerPage?: number;
}

/** @param names of the columns, with spaces between them; `shown=column` where a line has that name already */
function exported(type: string, table: PgTable, names: string, exceptions: Exceptions = {}) {
  const { projectId = columnOf(type, table, 'projectId'), ...others } = exceptions;
  return { ...shownColumns(type, table, names, others), owner: projectId };
}

function ofAccount(type: string, table: PgTable, names: string, exceptions: Pick<Exceptions, 'key'> = {}) {
  return { ...shownColumns(type, table, names, exceptions), owner: columnOf(type, table, 'userId') };
}

function shownColumns(
  type: string,
  table: PgTable,
  names: string,
  { key = columnOf(type, table, 'id'), rowsPerPage = SMALL_ROWS }: Omit<Exceptions, 'projectId'>,
) {
  const listed = names.trim().split(/\s+/);
  const columns = Object.fromEntries(
    listed.map((name) => {
      const [shown = name, column = shown] = name.split('=');
      return [shown, columnOf(type, table, column)];
    }),
  );
  return { type, table, key, columns, rowsPerPage };
}

function columnOf(type: string, table: PgTable, name: string): PgColumn {
  const found = (getTableColumns(table) as Record<string, PgColumn>)[name];
  if (found === undefined) throw new Error(`${type} has no column ${name}`);
  return found;
}
