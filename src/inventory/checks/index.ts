/** What a shape cannot say: that names exist, that orders have an end, that promises can be kept. A chain of pure functions. */
import { basename } from 'node:path';
import type { Finding } from '../problem.ts';
import type { System } from '../schema/system.ts';
import { show } from '../show.ts';
import { backupComponents, secretPairs, unsignedBackups } from './backups.ts';
import { cycles, databasesOnApplications, dependsOn, sameQuestion } from './dependencies.ts';
import { homePaths } from './home-paths.ts';
import { approvals, channelNames, escalationOrder, selfApproval } from './people.ts';
import { bothDays, crons, timeZones } from './schedules.ts';
import { healthStores, objectivesInUse, noObjectives, storeServices, validations } from './references.ts';

export type Check = (system: System, file: string) => Finding[];

/** What makes an inventory unusable. */
export const problemChecks: readonly Check[] = [
  fileName,
  dependsOn,
  cycles,
  databasesOnApplications,
  healthStores,
  storeServices,
  validations,
  objectivesInUse,
  backupComponents,
  secretPairs,
  channelNames,
  escalationOrder,
  approvals,
  crons,
  timeZones,
  homePaths,
];

/** What is allowed, and should be known. */
export const warningChecks: readonly Check[] = [
  unsignedBackups,
  noObjectives,
  sameQuestion,
  selfApproval,
  bothDays,
];

/** A system is looked for by its file's name, so both must agree. */
function fileName(system: System, file: string): Finding[] {
  const expected = basename(file).replace(/\.ya?ml$/, '');
  if (system.name === expected) return [];
  return [
    {
      path: ['name'],
      at: 'value',
      found: show(system.name),
      expected: `${expected.slice(0, 80)}, as the file is named`,
      hint: `Change the name, or rename the file to ${system.name}.yaml.`,
    },
  ];
}
