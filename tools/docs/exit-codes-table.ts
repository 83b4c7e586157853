/** The exit codes of the `runbook` command as a table, from the text that its help prints. */
import { exitCodeHelp, exitCodes } from '../../src/client/exit-codes.ts';
import { code, table } from './markdown.ts';

/** @throws Error when the help does not say what one of the codes means. */
export function exitCodeTable(): string {
  const meanings = new Map(
    [...exitCodeHelp.matchAll(/^ {2}(\d+)\s+(.*)$/gm)].map((found) => [Number(found[1]), found[2] ?? '']),
  );
  const rows = Object.entries(exitCodes).map(([name, number]) => {
    const meaning = meanings.get(number);
    if (meaning === undefined) throw new Error(`The help does not say what exit code ${number} means`);
    return [String(number), code(name), meaning];
  });
  return table(['Code', 'Name', 'Meaning'], rows);
}
