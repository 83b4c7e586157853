/** Completion scripts, as shells read them. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { completionScript } from '../../src/client/completion.ts';
import { loadRunbooks } from '../../src/client/runbooks.ts';
import { program, walk } from './program.ts';

describe('completion', async () => {
  const built = program(await loadRunbooks());
  test.each(['bash', 'zsh', 'fish'] as const)('%s knows every command and every flag', (shell) => {
    const script = completionScript(built, shell);
    for (const [path, command] of walk(built)) {
      const name = path.split(' ').at(-1) ?? '';
      expect(script).toContain(name);
      for (const { long } of command.options)
        expect(script).toContain(shell === 'fish' ? `-l ${long?.slice(2)}` : long);
    }
  });

  test('the bash script parses, and completes', () => {
    const script = completionScript(built, 'bash');
    expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const complete = (...words: string[]) => {
      const setup = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _runbook; printf '%s\n' "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', `${script}\n${setup}`], { encoding: 'utf8' })
        .stdout.trim()
        .split('\n');
    };
    expect(complete('runbook', 'ru')).toEqual(['run']);
    expect(complete('runbook', 'run', 'full')).toEqual(['full-backup']);
    expect(complete('runbook', 'run', 'full-backup', '--ki')).toEqual(['--kind']);
    expect(complete('runbook', 'schedules', 'a')).toEqual(['apply']);
    expect(complete('runbook', '--address', 'here', 'appr')).toEqual(['approve']);
  });

  test('the other two parse, where their shell is installed', () => {
    for (const shell of ['zsh', 'fish'] as const) {
      const parsed = spawnSync(shell, ['-n'], { input: completionScript(built, shell), encoding: 'utf8' });
      if (parsed.error) continue;
      expect(parsed.stderr).toBe('');
    }
  });
});
