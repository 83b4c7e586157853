/** The runbooks this command knows: what it lists, describes, makes flags from and starts. */
import type { z } from 'zod';
import { usageError } from './errors.ts';
import { suggestion } from './suggest.ts';

/** What the client needs of a runbook's definition; the catalogue's definitions have more. */
export interface Runbook {
  /** For people: `full-backup`. */
  name: string;
  /** For Temporal: `fullBackup`. */
  workflowType: string;
  title: string;
  summary: string;
  covers: readonly string[];
  mutates: boolean;
  exclusive: boolean;
  input: z.ZodObject;
  examples: readonly string[];
}

/** Every runbook there is, by name. Loaded only when asked for: it brings the workflow code's libraries along. */
export async function loadRunbooks(): Promise<Runbook[]> {
  const { allRunbooks } = await import('../workflows/catalogue.ts');
  return [...allRunbooks].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** By its name or its workflow type; a usage error with the nearest name otherwise. */
export function findRunbook(runbooks: readonly Runbook[], name: string): Runbook {
  const found = runbooks.find((runbook) => runbook.name === name || runbook.workflowType === name);
  if (found) return found;
  const names = runbooks.map((runbook) => runbook.name);
  throw usageError(
    `There is no runbook ${JSON.stringify(name.slice(0, 80))}.`,
    suggestion(name, names, 'runbooks'),
  );
}

/** `full-backup` as Temporal names it: `fullBackup`. */
export function workflowTypeOf(name: string): string {
  return name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
