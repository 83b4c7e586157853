/** Another inventory out of systems/demo.yaml: the same shop in another place, on other ports, or backed up elsewhere. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';

export interface Ports {
  postgres: number;
  redis: number;
  api: number;
  search: number;
  reports: number;
  web: number;
}

/** As systems/demo.yaml has them. */
export const usualPorts: Readonly<Ports> = {
  postgres: 5493,
  redis: 6493,
  api: 8493,
  search: 8494,
  reports: 8495,
  web: 8496,
};

export interface S3Place {
  endpoint: string;
  region?: string;
  bucket: string;
  prefix?: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/**
 * Writes `<root>/systems/<name>.yaml`; its relative paths lead to `<root>` as those of the original lead to `.demo`.
 * @returns the path of the file
 */
export async function deriveInventory(options: {
  original: string;
  root: string;
  name: string;
  ports: Ports;
  s3?: S3Place | undefined;
}): Promise<string> {
  const { root, name, ports, s3 } = options;
  let text = (await readFile(options.original, 'utf8')).replace(/\.\.\/\.demo(?=[/\s,}\]])/g, '..');
  // In one pass: a new port may be the usual one of another program.
  const bySource = new Map(
    Object.entries(usualPorts).map(([program, port]) => [
      String(port),
      String(ports[program as keyof Ports]),
    ]),
  );
  text = text.replace(/\b\d{4}\b/g, (digits) => bySource.get(digits) ?? digits);
  const document = parseDocument(text);
  document.commentBefore =
    ' Derived from systems/demo.yaml by demo/prepare.ts; every relative path is relative to this file.';
  document.set('name', name);
  if (s3) {
    await writeSecret(root, 's3.access-key', s3.accessKeyId);
    await writeSecret(root, 's3.secret-key', s3.secretAccessKey);
    document.setIn(
      ['backup', 'destination'],
      document.createNode({
        type: 's3',
        endpoint: s3.endpoint,
        region: s3.region ?? 'us-east-1',
        bucket: s3.bucket,
        prefix: s3.prefix ?? '',
        accessKeyId: 'file:../keys/s3.access-key',
        secretAccessKey: 'file:../keys/s3.secret-key',
        pathStyle: true,
      }),
    );
  }
  const file = path.join(root, 'systems', `${name}.yaml`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, document.toString({ lineWidth: 0 }));
  return file;
}

async function writeSecret(root: string, name: string, value: string): Promise<void> {
  const file = path.join(root, 'keys', name);
  await writeFile(file, `${value}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
}
