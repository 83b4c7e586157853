/** A service of an operated system: what runs, what it needs, how it is started, stopped, asked and drained. */
import { z } from 'zod';
import { argv, duration, filePath, host, httpUrl, identifier, name, port } from './common.ts';

export const httpCheck = z.strictObject({
  url: httpUrl,
  status: z.number().int().min(100).max(599).default(200).describe('The status code of a healthy answer.'),
  contains: z.string().max(1000).optional().describe('Text that a healthy answer contains.'),
  slowAfter: duration.optional().describe('A slower answer is reported as degraded.'),
});

export const healthCheck = z
  .union([
    z.strictObject({ http: httpCheck }),
    z.strictObject({
      postgres: name.describe('A store of type postgres: asked with pg_isready and SELECT 1.'),
    }),
    z.strictObject({ redis: name.describe('A store of type redis: asked with PING.') }),
    z.strictObject({ tcp: z.strictObject({ host, port }) }),
    z.strictObject({ command: argv.describe('Healthy when it exits with 0.') }),
  ])
  .describe('How to ask this service whether it is well, in its own protocol.');

const httpAction = z.strictObject({
  http: z.strictObject({ method: z.enum(['POST', 'PUT', 'DELETE']).default('POST'), url: httpUrl }),
});
const commandAction = z.strictObject({ command: argv });
export const action = z
  .union([httpAction, commandAction])
  .describe('An HTTP request or a command. Must be safe to repeat.');

export const traffic = z
  .strictObject({
    close: action.describe('Stops new work from arriving, while work in hand goes on.'),
    open: action.describe('Lets work in again.'),
    active: z
      .strictObject({
        metrics: httpUrl.describe('A Prometheus text page.'),
        name: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'the name of a Prometheus metric'),
      })
      .optional()
      .describe('The gauge of requests or connections in hand: drained when it is 0.'),
    drainWithin: duration.default('60s').describe('The longest wait for work in hand.'),
  })
  .describe('How new work is kept out before this service stops.');

/** `process`: a program on the worker's own machine, started detached, so that it outlives the worker. */
export const processPlatform = z.strictObject({
  type: z.literal('process'),
  command: argv,
  directory: filePath.optional().describe('Working directory.'),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable'),
      z.string().max(4096),
    )
    .default({}),
  user: identifier.optional().describe('The account it runs under, when the worker is root.'),
  logFile: filePath.describe('Standard output and error are appended here.'),
  stopSignal: z
    .enum(['SIGTERM', 'SIGINT', 'SIGQUIT'])
    .default('SIGTERM')
    .describe('PostgreSQL: SIGINT (fast shutdown).'),
});

export const service = z.strictObject({
  title: z.string().max(120).optional(),
  role: z
    .enum(['application', 'database'])
    .default('application')
    .describe('Databases stop after everything else, after the backup.'),
  tier: z.number().int().min(1).max(9).default(1).describe('Which recovery objectives apply.'),
  dependsOn: z.array(name).default([]).describe('Services that must be healthy before this one starts.'),
  platform: z.discriminatedUnion('type', [processPlatform]),
  health: healthCheck,
  startWithin: duration.default('60s').describe('From start to healthy.'),
  stopWithin: duration.default('60s').describe('From the signal to gone.'),
  traffic: traffic.optional(),
});

export type HealthCheck = z.infer<typeof healthCheck>;
export type Action = z.infer<typeof action>;
export type Traffic = z.infer<typeof traffic>;
export type ProcessPlatform = z.infer<typeof processPlatform>;
export type Service = z.infer<typeof service>;
