/** Fields that are missing, misspelt or of the wrong kind. */
import type { Case } from './case.ts';

export const shape: Case[] = [
  {
    title: 'an unknown field near a known one: one problem, not two',
    replace: 'title: Small',
    by: 'titel: Small',
    says: [
      'systems/small.yaml:2:1  titel',
      '  found: an unknown field "titel"   expected: $schema, name, title, stateDirectory, objectives, services, stores, backup, people, notice or schedules',
      '  hint: Did you mean title?',
    ],
  },
  {
    title: 'an unknown field',
    replace: 'title: Small',
    by: 'title: Small\ncolour: red',
    says: [
      'systems/small.yaml:3:1  colour',
      '  found: an unknown field "colour"   expected: $schema, name, title, stateDirectory, objectives, services, stores, backup, people, notice or schedules',
    ],
  },
  {
    title: 'a missing field, at what it is missing from',
    replace: ', logFile: api.log',
    by: '',
    says: [
      'systems/small.yaml:12:5  services.api.platform.logFile',
      '  found: nothing   expected: a path',
      '  hint: Standard output and error are appended here.',
    ],
  },
  {
    title: 'a missing field of the file',
    replace: 'title: Small\n',
    by: '',
    says: [
      'systems/small.yaml:1:1  title',
      '  found: nothing   expected: text of 1 to 120 characters',
      '  hint: As people call it: in notices and reports.',
    ],
  },
  {
    title: 'a value left empty',
    replace: 'title: Small',
    by: 'title:',
    says: [
      'systems/small.yaml:2:1  title',
      '  found: an empty value   expected: text of 1 to 120 characters',
      '  hint: As people call it: in notices and reports.',
    ],
  },
  {
    title: 'text for a number',
    replace: 'database: d',
    by: "database: d, port: '5432'",
    says: [
      'systems/small.yaml:15:85  stores.main.port',
      '  found: "5432"   expected: a whole number from 1 to 65535',
      '  hint: Write it without quotes.',
    ],
  },
  {
    title: 'a number out of range',
    replace: 'database: d',
    by: 'database: d, port: 70000',
    says: [
      'systems/small.yaml:15:85  stores.main.port',
      '  found: 70000   expected: a whole number from 1 to 65535',
    ],
  },
  {
    title: 'a fraction for a whole number',
    replace: 'database: d',
    by: 'database: d, port: 5432.5',
    says: [
      'systems/small.yaml:15:85  stores.main.port',
      '  found: 5432.5   expected: a whole number from 1 to 65535',
    ],
  },
  {
    title: 'a number for text',
    replace: 'title: Small',
    by: 'title: 2026',
    says: [
      'systems/small.yaml:2:8  title',
      '  found: 2026   expected: text of 1 to 120 characters',
      '  hint: Put it in quotes: it is meant as text.',
    ],
  },
  {
    title: 'text for a list',
    replace: '[api], logFile',
    by: 'api --port 80, logFile',
    says: [
      'systems/small.yaml:12:41  services.api.platform.command',
      '  found: "api --port 80"   expected: a list of at least 1 item',
      '  hint: A program and its arguments, one item each. No shell reads it: no quoting, no variables, no pipes.',
    ],
  },
  {
    title: 'an empty list',
    replace: 'components: [main]',
    by: 'components: []',
    says: [
      'systems/small.yaml:18:15  backup.components',
      '  found: an empty list   expected: a list of at least 1 item',
      '  hint: The stores of one backup; they are dumped in parallel.',
    ],
  },
  {
    title: 'a misspelt choice',
    replace: 'role: database',
    by: 'role: databse',
    says: [
      'systems/small.yaml:7:11  services.db.role',
      '  found: "databse"   expected: application or database',
      '  hint: Did you mean database?',
    ],
  },
  {
    title: 'a bad name',
    replace: 'name: small',
    by: 'name: Small System',
    says: [
      'systems/small.yaml:1:7  name',
      '  found: "Small System"   expected: lower-case letters, digits and single hyphens, beginning with a letter',
      '  hint: A short name: lower-case letters, digits and hyphens.',
    ],
  },
  {
    title: 'a bad name as a key',
    replace: '  api:\n',
    by: '  API:\n',
    says: [
      'systems/small.yaml:10:3  services.API',
      '  found: "API"   expected: lower-case letters, digits and single hyphens, beginning with a letter',
    ],
  },
  {
    title: 'a bad tier',
    replace: '{ 1: { rto',
    by: '{ 0: { rto',
    says: ['systems/small.yaml:4:15  objectives.0', '  found: "0"   expected: a tier from 1 to 9'],
  },
  {
    title: 'a bad duration',
    replace: 'rto: 1h',
    by: 'rto: 1 hour',
    says: [
      'systems/small.yaml:4:25  objectives.1.rto',
      '  found: "1 hour"   expected: a duration such as 30s, 5m, 1h30m or 7d',
      '  hint: Recovery time objective: the longest outage.',
    ],
  },
  {
    title: 'a bad address',
    replace: "url: 'http://127.0.0.1:1/'",
    by: 'url: 127.0.0.1',
    says: [
      'systems/small.yaml:13:28  services.api.health.http.url',
      '  found: "127.0.0.1"   expected: an http or https address',
    ],
  },
  {
    title: 'a path that reads as an option',
    replace: 'logFile: api.log',
    by: 'logFile: -api.log',
    says: [
      'systems/small.yaml:12:57  services.api.platform.logFile',
      '  found: "-api.log"   expected: a path that does not begin with a hyphen (it would read as an option)',
    ],
  },
  {
    title: 'a misspelt type',
    replace: 'main: { type: postgres',
    by: 'main: { type: postgresql',
    says: [
      'systems/small.yaml:15:17  stores.main.type',
      '  found: "postgresql"   expected: postgres or redis',
      '  hint: Did you mean postgres?',
    ],
  },
  {
    title: 'a type left out',
    replace: 'main: { type: postgres, ',
    by: 'main: { ',
    says: ['systems/small.yaml:15:3  stores.main.type', '  found: nothing   expected: postgres or redis'],
  },
  {
    title: 'a field of another type',
    replace: 'database: d',
    by: 'database: d, dataDirectory: /d',
    says: [
      'systems/small.yaml:15:79  stores.main.dataDirectory',
      '  found: an unknown field "dataDirectory"   expected: type, service, host, port, user, password, database, maintenanceDatabase, validations, keepReplaced or restoreJobs',
    ],
  },
  {
    title: 'a misspelt kind of health check',
    replace: 'health: { http:',
    by: 'health: { htpp:',
    says: [
      'systems/small.yaml:13:15  services.api.health.htpp',
      '  found: "htpp"   expected: a mapping with exactly one of http, postgres, redis, tcp or command',
      '  hint: Did you mean http?',
    ],
  },
  {
    title: 'two kinds of health check',
    replace: "health: { http: { url: 'http://127.0.0.1:1/' }",
    by: "health: { http: { url: 'http://127.0.0.1:1/' }, redis: main",
    says: [
      'systems/small.yaml:13:13  services.api.health',
      '  found: http and redis   expected: a mapping with exactly one of http, postgres, redis, tcp or command',
      '  hint: How to ask this service whether it is well, in its own protocol.',
    ],
  },
  {
    title: 'inside a health check: only what was meant is spoken of',
    replace: "'http://127.0.0.1:1/'",
    by: "'http://127.0.0.1:1/', status: ok",
    says: [
      'systems/small.yaml:13:59  services.api.health.http.status',
      '  found: "ok"   expected: a whole number from 100 to 599',
      '  hint: The status code of a healthy answer.',
    ],
  },
  {
    title: 'a health check that is none',
    replace: "{ http: { url: 'http://127.0.0.1:1/' } }",
    by: 'http',
    says: [
      'systems/small.yaml:13:13  services.api.health',
      '  found: "http"   expected: a mapping with exactly one of http, postgres, redis, tcp or command',
      '  hint: How to ask this service whether it is well, in its own protocol.',
    ],
  },
  {
    title: 'a merge key',
    replace: '    dependsOn: [db]',
    by: '    dependsOn: [db]\n    <<: { role: database }',
    says: [
      'systems/small.yaml:12:5  services.api["<<"]',
      '  found: an unknown field "<<"   expected: title, role, tier, dependsOn, platform, health, startWithin, stopWithin or traffic',
      '  hint: Merge keys (<<) are not read: write the fields out.',
    ],
  },
  {
    title: 'a list where a mapping belongs',
    replace: '  nightly: {',
    by: '  - nightly: {',
    says: [
      'systems/small.yaml:25:3  schedules',
      '  found: a list of 1 item   expected: a mapping of names',
      '  hint: Runbooks that start by themselves.',
    ],
  },
  {
    title: 'a long value is cut',
    replace: 'role: database',
    by: 'role: very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very very long',
    says: [
      'systems/small.yaml:7:11  services.db.role',
      '  found: "very very very very very very very very very very very very very very very very…"   expected: application or database',
      '  hint: Databases stop after everything else, after the backup.',
    ],
  },
  {
    title: 'several at once, in the order of the file',
    replace: 'title: Small\nstateDirectory: state',
    by: 'title: []\nstateDirectory: 7\nnane: x',
    says: [
      'systems/small.yaml:2:8  title',
      '  found: an empty list   expected: text of 1 to 120 characters',
      '  hint: As people call it: in notices and reports.',
      'systems/small.yaml:3:17  stateDirectory',
      '  found: 7   expected: a path',
      '  hint: Put it in quotes: it is meant as text.',
      'systems/small.yaml:4:1  nane',
      '  found: an unknown field "nane"   expected: $schema, name, title, stateDirectory, objectives, services, stores, backup, people, notice or schedules',
    ],
  },
];
