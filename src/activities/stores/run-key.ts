/** Of a step's key (`<workflowId>/<runId>/<step>`) the part that all steps of one run share. */
export function runKey(key: string): string {
  const parts = key.split('/');
  return parts.length > 1 ? parts.slice(0, -1).join('/') : key;
}
