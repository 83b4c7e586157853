/** What a backup is called and what it may be for. Pure: checked at every door, in workflows too. */
import { z } from 'zod';

/** Ids are made by us: `<system>-<kind>-<UTC time>-<first 8 of the run id>`; anything else is refused before it becomes a key. */
export const backupId = z
  .string()
  .max(160)
  .regex(
    /^[a-z][a-z0-9-]*-\d{8}T\d{6}Z-[0-9a-f]{8}$/,
    'a backup id such as demo-manual-20260102T030405Z-0a1b2c3d (see `runbook backups`)',
  );

export const backupKind = z.enum(['manual', 'daily', 'weekly', 'monthly', 'shutdown', 'before-change']);

export type BackupKind = z.infer<typeof backupKind>;
