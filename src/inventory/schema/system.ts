/** The inventory of one operated system: the whole of what runbooks know about it. One file in `systems/`. */
import { z } from 'zod';
import { backup } from './backup.ts';
import { duration, filePath, name } from './common.ts';
import { people } from './people.ts';
import { service } from './service.ts';
import { store } from './store.ts';

export const objectives = z.strictObject({
  rto: duration.describe('Recovery time objective: the longest outage.'),
  rpo: duration.describe('Recovery point objective: the most data, in time, that may be lost.'),
});

export const schedule = z.strictObject({
  runbook: z.string().min(1).max(63).describe('Its name, as `runbook list` shows it.'),
  cron: z.string().min(1).max(120).describe('Five fields: minute hour day month weekday.'),
  timeZone: z.string().max(64).default('UTC').describe('Such as Europe/Berlin.'),
  input: z.record(z.string(), z.unknown()).default({}).describe("Fields of the runbook's own input."),
  paused: z.boolean().default(false),
  catchUp: duration.default('1h').describe('A start missed by no more than this is made up for.'),
});

export const system = z.strictObject({
  $schema: z.string().optional().describe('For editors: `./schema.json`.'),
  name,
  title: z.string().min(1).max(120).describe('As people call it: in notices and reports.'),
  stateDirectory: filePath.describe(
    'Where platform `process` and evidence keep their records. Outlives the worker.',
  ),
  objectives: z
    .record(z.string().regex(/^[1-9]$/, 'a tier from 1 to 9'), objectives)
    .default({})
    .describe('By tier.'),
  services: z.record(name, service).describe('What runs.'),
  stores: z.record(name, store).default({}).describe('Where data is kept.'),
  backup: backup.optional(),
  people,
  notice: z
    .strictObject({
      shutdown: duration.default('5m'),
      maintenance: duration.default('10m'),
    })
    .prefault({})
    .describe('How long users are warned beforehand.'),
  schedules: z.record(name, schedule).default({}).describe('Runbooks that start by themselves.'),
});

export type Objectives = z.infer<typeof objectives>;
export type Schedule = z.infer<typeof schedule>;
/** One operated system, as validated: every default filled in, every path absolute. */
export type System = z.infer<typeof system>;
