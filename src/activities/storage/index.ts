/** Opens whichever storage an inventory's destination names. Adding a cloud is one file and one line here. */
import type { Destination } from '../../inventory/schema/backup.ts';
import type { ObjectStorage } from './contract.ts';
import { openFilesystem } from './filesystem.ts';
import { openS3 } from './s3.ts';

/**
 * The storage of a destination. A client is kept for each destination, so this is cheap to call. Failure
 * `ConfigurationError` when the destination cannot be used as it is written down.
 */
export async function openStorage(destination: Destination): Promise<ObjectStorage> {
  switch (destination.type) {
    case 'filesystem':
      return await openFilesystem(destination);
    case 's3':
      return openS3(destination);
  }
}
