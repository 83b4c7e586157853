/** Who is told, who is asked, who is paged. */
import { z } from 'zod';
import { duration, httpUrl, secretReference } from './common.ts';

const channelName = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, 'the name of a channel: lower-case letters, digits and hyphens')
  .max(63);

export const channel = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('console') }),
  z.strictObject({
    type: z.literal('slack'),
    webhook: secretReference.describe('The incoming webhook: its address is a secret.'),
    channel: z.string().max(80).optional(),
  }),
  z.strictObject({
    type: z.literal('webhook'),
    url: httpUrl,
    token: secretReference.optional().describe('Sent as a bearer token.'),
  }),
]);

export const escalationLevel = z.strictObject({
  after: duration.default('0s').describe('Since the escalation began.'),
  responders: z.array(z.string().min(1).max(120)).min(1),
  channels: z.array(channelName).min(1),
});

export const approvalPolicy = z.strictObject({
  approvers: z
    .array(z.string().min(1).max(120))
    .default([])
    .describe('Names that count. Empty: anybody who can reach the namespace.'),
  quorum: z.number().int().min(1).max(20).default(1),
  requesterMayApprove: z.boolean().default(false),
  within: duration.default('30m'),
  onTimeout: z.enum(['reject', 'approve']).default('reject'),
  trust: z
    .enum(['namespace'])
    .default('namespace')
    .describe('namespace: whoever may update the workflow is believed to be who they say.'),
});

export const people = z
  .strictObject({
    channels: z.record(channelName, channel).default({ console: { type: 'console' } }),
    notices: z
      .array(channelName)
      .default([])
      .describe('Channels that hear of notices, results and failures.'),
    escalation: z
      .array(escalationLevel)
      .default([])
      .describe('Levels in order of `after`; paging stops at the acknowledgement.'),
    approvals: z
      .record(z.string().max(63), approvalPolicy)
      .default({})
      .describe('By runbook name: its destructive steps wait for these people.'),
  })
  .prefault({});

export type Channel = z.infer<typeof channel>;
export type EscalationLevel = z.infer<typeof escalationLevel>;
export type ApprovalPolicy = z.infer<typeof approvalPolicy>;
export type People = z.infer<typeof people>;
