/** A message as text. */
import type { Message } from './contract.ts';

/** One line: whatever control characters and line breaks a message holds, it cannot pass for several. */
export function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}+|[\u2028\u2029]+/gu, ' ')
    .replace(/\p{Bidi_Control}/gu, '')
    .trim();
}

export function heading({ severity, system, title }: Message): string {
  return oneLine(`${severity === 'info' ? '' : `${severity.toUpperCase()}: `}${system}: ${title}`);
}

export function origin({ runbook, workflowId }: Message): string {
  return oneLine(`${runbook}, run ${workflowId}`);
}
