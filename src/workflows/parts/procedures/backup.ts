/** Taking a backup: components in parallel, the manifest last, every byte read back before it counts. */
import type { BackupKind, ComponentRecord } from '../../../activities/backups/manifest.ts';
import type { Backup } from '../../../inventory/schema/backup.ts';
import type { System } from '../../../inventory/schema/system.ts';
import { refusal } from '../failures.ts';
import type { Run } from '../run.ts';

export interface BackupTaken {
  id: string;
  location: string;
  bytes: number;
  components: { store: string; takenAt: string; summary: ComponentRecord['summary'] }[];
  verified: boolean;
}

export function backupPolicy(system: System): Backup {
  if (system.backup) return system.backup;
  throw refusal(
    'ConfigurationError',
    `${system.name} declares no backup in its inventory. Next: add a \`backup\` section.`,
  );
}

export function storeOf(system: System, store: string) {
  const spec = system.stores[store];
  if (!spec)
    throw refusal(
      'InvalidInput',
      `${system.name} has no store "${store}" (it has: ${Object.keys(system.stores).join(', ') || 'none'}).`,
    );
  return { system: system.name, stateDirectory: system.stateDirectory, store, spec };
}

export async function takeBackup(run: Run, kind: BackupKind): Promise<BackupTaken> {
  const { system } = run;
  const backup = backupPolicy(system);
  const place = { system: system.name, backup };
  const id = `${system.name}-${kind}-${run.stamp}`;
  const startedAt = run.startedAt;
  const components = await run.together(backup.components, (store) =>
    run.step(
      `Dump ${store}`,
      (activities) => activities.dumpStore({ ...storeOf(system, store), backup, backupId: id }),
      {
        note: (record) => describe(record),
      },
    ),
  );
  const manifest = await run.step('Write the manifest', (activities) =>
    activities.writeManifest({ ...place, id, kind, startedAt, components }),
  );
  const verification = await run.step('Read every byte back', async (activities) => {
    const seen = await activities.verifyBackup({ ...place, id });
    if (!seen.ok && !run.dryRun) {
      throw refusal(
        'BackupDamaged',
        `Backup ${id} does not read back as written: ${seen.problems.slice(0, 5).join('; ')}. It does not count; older ones are kept.`,
      );
    }
    return seen;
  });
  return {
    id,
    location: manifest.location,
    bytes: verification.bytes,
    components: components.map(({ store, takenAt, summary }) => ({ store, takenAt, summary })),
    verified: verification.ok,
  };
}

function describe(record: ComponentRecord): string {
  return Object.entries(record.summary)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
    .slice(0, 160);
}
