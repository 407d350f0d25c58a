import { getTableColumns } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { auditLogs } from '#db/schema/audit-logs.js';
import { conversations, messageTraces, messages } from '#db/schema/conversations.js';
import { documents } from '#db/schema/documents.js';
import { evaluationResults, evaluationRuns, testCases, testSets } from '#db/schema/evaluation.js';
import { leads } from '#db/schema/leads.js';
import { projectInvitations, projectMembers, projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
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
    feedback inputTokens outputTokens cost currency createdAt`,
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

interface Exceptions {
  key?: PgColumn;
  projectId?: PgColumn;
  rowsPerPage?: number;
}

/** @param names of the columns, with spaces between them */
function exported<Table extends PgTable>(
  type: string,
  table: Table,
  names: string,
  exceptions: Exceptions = {},
) {
  const all = getTableColumns(table) as Record<string, PgColumn>;
  const column = (name: string): PgColumn => {
    const found = all[name];
    if (found === undefined) throw new Error(`${type} has no column ${name}`);
    return found;
  };
  const listed = names.trim().split(/\s+/);
  return {
    type,
    table,
    key: exceptions.key ?? column('id'),
    projectId: exceptions.projectId ?? column('projectId'),
    columns: Object.fromEntries(listed.map((name) => [name, column(name)])),
    rowsPerPage: exceptions.rowsPerPage ?? SMALL_ROWS,
  };
}
