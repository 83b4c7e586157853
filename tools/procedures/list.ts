/** The procedures of docs/procedures.yaml: the ids that runbooks say they cover and that tests are tied to. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const root = new URL('../../', import.meta.url);

const letter = z.string().regex(/^[A-Z]$/);
const id = z.string().regex(/^[A-Z][1-9]\d?$/);
const file = z.strictObject({
  systems: z.record(letter, z.string().min(1)),
  procedures: z.record(id, z.string().min(1).max(100)),
});

export interface Procedure {
  id: string;
  /** The system whose team wrote it down. */
  system: string;
  title: string;
}

/** In the order of the file. @throws Error when the file is not as it should be. */
export async function procedures(): Promise<Procedure[]> {
  const text = await readFile(new URL('docs/procedures.yaml', root), 'utf8');
  const { systems, procedures: titles } = file.parse(parse(text));
  return Object.entries(titles).map(([id, title]) => {
    const system = systems[id.slice(0, 1)];
    if (system === undefined) throw new Error(`docs/procedures.yaml: no system has the letter of ${id}`);
    return { id, system, title };
  });
}
