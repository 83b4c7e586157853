/** All activities of a worker. A new outside world is one folder and one line here. */
import { createBackupActivities } from './backups/index.ts';
import { createChannelActivities } from './channels/index.ts';
import type { Activities } from './contract.ts';
import { createLockActivities } from './locks.ts';
import { createPlatformActivities } from './platforms/index.ts';
import { createStoreActivities } from './stores/index.ts';
import { createSystemActivities } from './systems.ts';

export interface Dependencies {
  /** Where the inventories are. */
  systemsDirectory: string;
}

export function createActivities(dependencies: Dependencies): Activities {
  return {
    ...createSystemActivities(dependencies),
    ...createLockActivities(),
    ...createChannelActivities(),
    ...createPlatformActivities(),
    ...createStoreActivities(),
    ...createBackupActivities(),
  };
}
