import { pathSlots } from '../paths.ts';
import type { Finding } from '../problem.ts';
import type { System } from '../schema/system.ts';
import { show } from '../show.ts';

/** `~` is a shell's, and no shell reads an inventory: it would name a directory called `~`. */
export function homePaths(system: System): Finding[] {
  return pathSlots(system)
    .filter(({ value }) => /^(?:file:)?~(?:\/|$)/.test(value))
    .map(({ path, value }) => ({
      path,
      at: 'value' as const,
      found: show(value),
      expected: 'a path without ~',
      hint: 'Nothing expands ~ here: write the directory out.',
    }));
}
