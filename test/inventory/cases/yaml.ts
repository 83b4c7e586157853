/** What is not YAML, or not the YAML an inventory is written in. */
import type { Case } from './case.ts';

export const yaml: Case[] = [
  {
    title: 'a tab',
    replace: '    role: database',
    by: '\trole: database',
    says: [
      'systems/small.yaml:7:1',
      '  found: a tab as indentation   expected: spaces',
      '  hint: YAML allows no tabs before a key.',
    ],
  },
  {
    title: 'a quote that is not closed',
    replace: "cron: '0 2 * * *'",
    by: "cron: '0 2 * * *",
    says: [
      'systems/small.yaml:25:54',
      '  found: something unfinished   expected: a closing quote, or a colon after a key',
      '  hint: Look at this line and the ones above it.',
    ],
  },
  {
    title: 'a bracket that is not closed',
    replace: 'components: [main]',
    by: 'components: [main',
    says: [
      'systems/small.yaml:19:3',
      '  found: a list or mapping that is not closed   expected: a closing ] or } before this place',
    ],
  },
  {
    title: 'a colon in a value without quotes',
    replace: 'title: Small',
    by: 'title: Small: the system',
    says: [
      'systems/small.yaml:2:8',
      '  found: a second "key: value" on one line   expected: one field a line',
      '  hint: A value that contains ": " needs quotes.',
    ],
  },
  {
    title: 'a key twice',
    replace: 'title: Small',
    by: 'title: Small\ntitle: Smaller',
    says: [
      'systems/small.yaml:3:1',
      '  found: a key that this mapping has already   expected: each key once',
      '  hint: Remove or rename one of the two.',
    ],
  },
  {
    title: 'two documents',
    replace: 'services:\n',
    by: '---\nservices:\n',
    says: [
      'systems/small.yaml:5:1',
      '  found: a second document (after ---)   expected: one system in one file',
      '  hint: Move it to a file of its own.',
    ],
  },
  {
    title: 'a tag',
    replace: 'title: Small',
    by: 'title: !env TITLE',
    says: [
      'systems/small.yaml:2:8',
      '  found: a tag (!name)   expected: a plain value',
      '  hint: Tags are not used here.',
    ],
  },
  {
    title: 'an alias without its anchor',
    replace: 'title: Small',
    by: 'title: *title',
    says: [
      'systems/small.yaml:2:8',
      '  found: an alias (*name) without its anchor   expected: an anchor (&name) before it',
    ],
  },
  {
    title: 'an alias to itself',
    replace: 'title: Small',
    by: 'title: &t { a: *t }',
    says: [
      'systems/small.yaml:2:16',
      '  found: an alias to something that contains it   expected: a value with an end',
    ],
  },
  {
    title: 'a value JSON cannot hold',
    replace: 'title: Small',
    by: 'title: .inf',
    says: [
      'systems/small.yaml:2:8',
      '  found: a value that is not text, a finite number, true, false or null   expected: a plain value',
      '  hint: Put it in quotes if it is meant as text.',
    ],
  },
  {
    title: 'a key JavaScript would trip over',
    replace: 'title: Small',
    by: '__proto__: Small',
    says: ['systems/small.yaml:2:1', '  found: the key __proto__   expected: another name'],
  },
];
