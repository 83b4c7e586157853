/** The reference of the inventory as Markdown, from its JSON Schema: one section a mapping, one row a field. */
import type { JsonSchema } from '../../src/inventory/json-schema.ts';

type Node = JsonSchema;

interface Section {
  /** Where it stands in a file: `services.<name>.health`. */
  path: string;
  /** Which of several shapes: `type: s3`, `http`. */
  variant: string;
  node: Node;
}

export function reference(schema: Node): string {
  return sections({ path: '', variant: '', node: schema }).map(render).join('\n\n');
}

/** A mapping, and after it every mapping inside it, in the order they are written. */
function sections(section: Section): Section[] {
  const inside = Object.entries(section.node.properties ?? {}).flatMap(([key, field]) =>
    nested(asNode(field), section.path === '' ? key : `${section.path}.${key}`),
  );
  return [section, ...inside];
}

function nested(node: Node, path: string): Section[] {
  const options = (node.oneOf ?? node.anyOf ?? []).map(asNode);
  if (options.length > 0) {
    return options.flatMap((option) =>
      sections({ path, variant: variant(option), node: describedBy(option, node) }),
    );
  }
  if (node.properties) return sections({ path, variant: '', node });
  if (isNode(node.additionalProperties))
    return nested(node.additionalProperties, `${path}.<${keyName(node)}>`);
  if (isNode(node.items)) return nested(node.items, `${path}[]`);
  return [];
}

function describedBy(option: Node, whole: Node): Node {
  const description = option.description ?? whole.description;
  return description === undefined ? option : { ...option, description };
}

function variant(option: Node): string {
  const type = isNode(option.properties?.['type']) ? option.properties['type'].const : undefined;
  return type === undefined ? Object.keys(option.properties ?? {}).join(', ') : `type: ${String(type)}`;
}

function render({ path, variant, node }: Section): string {
  const heading = path === '' ? '## The file' : `## \`${path}\`${variant ? ` (\`${variant}\`)` : ''}`;
  const required = new Set(node.required ?? []);
  const rows = Object.entries(node.properties ?? {}).map(([key, value]) => {
    const field = asNode(value);
    const cells = [`\`${key}\``, type(field), fallback(field, required.has(key)), field.description ?? ''];
    return `| ${cells.map(escape).join(' | ')} |`;
  });
  const about = node.description ? `${node.description}\n\n` : '';
  return `${heading}\n\n${about}| Field | Type | Default | Description |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

/** What may stand there, in a few words. */
function type(node: Node): string {
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.enum) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  const options = node.oneOf ?? node.anyOf;
  if (options) return `one of ${options.map((option) => `\`${variant(asNode(option))}\``).join(', ')}`;
  if (node.type === 'array') return `list of ${isNode(node.items) ? type(node.items) : 'anything'}`;
  if (node.type === 'object' && node.properties) return 'mapping';
  if (node.type === 'object') {
    const inner = isNode(node.additionalProperties) ? type(node.additionalProperties) : '';
    return `mapping of <${keyName(node)}> to ${inner || 'anything'}`;
  }
  if (node.type === 'integer' || node.type === 'number') return number(node);
  if (node.pattern === durationPattern) return 'duration';
  if (node.pattern?.startsWith('^(?:env:')) return 'secret reference';
  if (node.format === 'uri') return 'address';
  return node.type === undefined ? 'anything' : node.type === 'string' ? 'text' : String(node.type);
}

const durationPattern = '^(?:\\d+(?:\\.\\d+)?(?:ms|s|m|h|d))+$';

function number({ minimum, maximum, type }: Node): string {
  const what = type === 'integer' ? 'whole number' : 'number';
  const safe = (limit: number | undefined): limit is number =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  if (safe(minimum) && safe(maximum)) return `${what}, ${minimum} to ${maximum}`;
  return safe(minimum) ? `${what}, at least ${minimum}` : what;
}

function fallback(node: Node, required: boolean): string {
  if (required) return '**required**';
  if (node.default === undefined) return '';
  return isEmpty(node.default) ? 'none' : `\`${JSON.stringify(node.default)}\``;
}

/** What a section of its own says field by field, or nothing at all. */
function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** The keys of these mappings are names people choose, but for tiers. */
function keyName(node: Node): string {
  return isNode(node.propertyNames) && node.propertyNames.pattern === '^[1-9]$' ? 'tier' : 'name';
}

function escape(text: string): string {
  return text.replace(/\|/g, '\\|').replace(/<(\w+)>/g, '&lt;$1&gt;');
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asNode(value: unknown): Node {
  return isNode(value) ? value : {};
}
