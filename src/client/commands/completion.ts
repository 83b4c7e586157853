/** `runbook completion`: the shell's completion script, made by walking the commands themselves. */
import { Argument } from 'commander';
import { completionScript, type Shell } from '../completion.ts';
import type { Register } from '../context.ts';

export const register: Register = (program, context) => {
  program
    .command('completion')
    .description('print a completion script: eval "$(runbook completion bash)"')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) => {
      context.print(completionScript(program, shell));
    });
};
