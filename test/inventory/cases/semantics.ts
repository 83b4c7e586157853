/** What a shape cannot say. */
import type { Case } from './case.ts';

export const semantics: Case[] = [
  {
    title: 'a file of another name',
    replace: 'name: small',
    by: 'name: large',
    says: [
      'systems/small.yaml:1:7  name',
      '  found: "large"   expected: small, as the file is named',
      '  hint: Change the name, or rename the file to large.yaml.',
    ],
  },
  {
    title: 'a dependency on nothing',
    replace: 'dependsOn: [db]',
    by: 'dependsOn: [dbs]',
    says: [
      'systems/small.yaml:11:17  services.api.dependsOn[0]',
      '  found: "dbs"   expected: a service: db',
      '  hint: Did you mean db?',
    ],
  },
  {
    title: 'a dependency on itself',
    replace: 'dependsOn: [db]',
    by: 'dependsOn: [db, api]',
    says: [
      'systems/small.yaml:11:21  services.api.dependsOn[1]',
      '  found: "api"   expected: another service',
      '  hint: A service cannot wait for itself: remove this line.',
    ],
  },
  {
    title: 'a dependency twice',
    replace: 'dependsOn: [db]',
    by: 'dependsOn: [db, db]',
    says: [
      'systems/small.yaml:11:21  services.api.dependsOn[1]',
      '  found: "db"   expected: each service once',
    ],
  },
  {
    title: 'a cycle',
    replace: 'role: database',
    by: 'role: database\n    dependsOn: [api]',
    says: [
      'systems/small.yaml:8:17  services.db.dependsOn[0]',
      '  found: "api", an application   expected: a service with role: database',
      '  hint: Databases stop last, so api would be gone before db. Give it role: database too.',
      'systems/small.yaml:12:17  services.api.dependsOn[0]',
      '  found: a cycle: api → db → api   expected: an order in which the services can start',
      '  hint: Remove one of these dependencies.',
    ],
  },
  {
    title: 'a health check of no store',
    replace: 'postgres: main',
    by: 'postgres: mian',
    says: [
      'systems/small.yaml:9:25  services.db.health.postgres',
      '  found: "mian"   expected: a store of type postgres: main',
      '  hint: Did you mean main?',
    ],
  },
  {
    title: 'a health check of a store of another type',
    replace: 'postgres: main',
    by: 'redis: main',
    says: [
      'systems/small.yaml:9:22  services.db.health.redis',
      '  found: "main", a store of type postgres   expected: a store of type redis; there is none',
      '  hint: Write `postgres: main`.',
    ],
  },
  {
    title: 'a store of no service',
    replace: 'service: db',
    by: 'service: dbx',
    says: [
      'systems/small.yaml:15:36  stores.main.service',
      '  found: "dbx"   expected: a service with role: database: db',
      '  hint: Did you mean db?',
    ],
  },
  {
    title: 'a store of an application',
    replace: 'service: db',
    by: 'service: api',
    says: [
      'systems/small.yaml:15:36  stores.main.service',
      '  found: "api", an application   expected: a service with role: database: db',
      '  hint: Add `role: database` to services.api: it then stops after its applications and the backup.',
    ],
  },
  {
    title: 'a tier without objectives',
    replace: 'dependsOn: [db]',
    by: 'dependsOn: [db]\n    tier: 3',
    says: [
      'systems/small.yaml:4:1  objectives.3',
      '  found: nothing   expected: rto and rpo of tier 3',
      '  hint: Tier 3 is used by api.',
    ],
  },
  {
    title: 'a backup of nothing',
    replace: 'components: [main]',
    by: 'components: [mian]',
    says: [
      'systems/small.yaml:18:16  backup.components[0]',
      '  found: "mian"   expected: a store: main',
      '  hint: Did you mean main?',
    ],
  },
  {
    title: 'a backup of a service',
    replace: 'components: [main]',
    by: 'components: [db]',
    says: [
      'systems/small.yaml:18:16  backup.components[0]',
      '  found: "db"   expected: a store: main',
      '  hint: db is a service; its store is main.',
    ],
  },
  {
    title: 'a component twice',
    replace: 'components: [main]',
    by: 'components: [main, main]',
    says: ['systems/small.yaml:18:22  backup.components[1]', '  found: "main"   expected: each store once'],
  },
  {
    title: 'half a pair of keys',
    replace: '{ type: filesystem, directory: out }',
    by: '{ type: s3, bucket: backups, accessKeyId: env:ID }',
    says: [
      'systems/small.yaml:17:3  backup.destination.secretAccessKey',
      '  found: nothing   expected: both accessKeyId and secretAccessKey, or neither',
    ],
  },
  {
    title: 'notices to no channel',
    replace: 'notices: [ops]',
    by: 'notices: [opps]',
    says: [
      'systems/small.yaml:22:13  people.notices[0]',
      '  found: "opps"   expected: a channel of people.channels: ops',
      '  hint: Did you mean ops?',
    ],
  },
  {
    title: 'an escalation to no channel',
    replace: 'channels: [ops] }]',
    by: 'channels: [ops, pager] }]',
    says: [
      'systems/small.yaml:23:51  people.escalation[0].channels[1]',
      '  found: "pager"   expected: a channel of people.channels: ops',
    ],
  },
  {
    title: 'escalation levels out of order',
    replace: 'channels: [ops] }]',
    by: 'channels: [ops], after: 1h }, { responders: [b], channels: [ops], after: 30m }]',
    says: [
      'systems/small.yaml:23:108  people.escalation[1].after',
      '  found: "30m"   expected: at least 1h, as the level before',
      '  hint: Levels stand in order; `after` counts from the beginning of the escalation.',
    ],
  },
  {
    title: 'a quorum out of reach',
    replace: '  notices: [ops]',
    by: '  notices: [ops]\n  approvals: { full-restore: { approvers: [ada, ada], quorum: 2 } }',
    says: [
      'systems/small.yaml:23:63  people.approvals.full-restore.quorum',
      '  found: 2   expected: at most 1, the number of approvers',
      '  hint: Nobody else counts, so this approval could never be given.',
    ],
  },
  {
    title: 'too few fields of cron',
    replace: "'0 2 * * *'",
    by: "'0 2 * * '",
    says: [
      'systems/small.yaml:25:42  schedules.nightly.cron',
      '  found: 4 fields   expected: five fields: minute hour day month weekday',
      '  hint: For example 30 2 * * sun',
    ],
  },
  {
    title: 'a bad field of cron',
    replace: "'0 2 * * *'",
    by: "'0 24 * * *'",
    says: [
      'systems/small.yaml:25:42  schedules.nightly.cron',
      '  found: hour 24   expected: an hour from 0 to 23, with * - , or /',
      '  hint: For example 30 2 * * sun',
    ],
  },
  {
    title: 'a day that never comes',
    replace: "'0 2 * * *'",
    by: "'0 2 31 feb,apr *'",
    says: [
      'systems/small.yaml:25:42  schedules.nightly.cron',
      '  found: day 31 in month feb,apr   expected: a day that this month has',
      '  hint: For example 30 2 * * sun',
    ],
  },
  {
    title: 'an unknown time zone',
    replace: "'0 2 * * *' }",
    by: "'0 2 * * *', timeZone: Europe/Berlim }",
    says: [
      'systems/small.yaml:25:65  schedules.nightly.timeZone',
      '  found: "Europe/Berlim"   expected: UTC or a time zone such as Europe/Berlin',
      '  hint: Did you mean Europe/Berlin?',
    ],
  },
  {
    title: 'a time zone in other capitals',
    replace: "'0 2 * * *' }",
    by: "'0 2 * * *', timeZone: europe/berlin }",
    says: [
      'systems/small.yaml:25:65  schedules.nightly.timeZone',
      '  found: "europe/berlin"   expected: UTC or a time zone such as Europe/Berlin',
      '  hint: Did you mean Europe/Berlin?',
    ],
  },
  {
    title: 'a bare offset',
    replace: "'0 2 * * *' }",
    by: "'0 2 * * *', timeZone: '+02:00' }",
    says: [
      'systems/small.yaml:25:65  schedules.nightly.timeZone',
      '  found: "+02:00"   expected: UTC or a time zone such as Europe/Berlin',
    ],
  },
  {
    title: 'a validation that cannot fail',
    replace: 'database: d',
    by: 'database: d, validations: [{ name: n, sql: select 1 }]',
    says: [
      'systems/small.yaml:15:93  stores.main.validations[0]',
      '  found: no limit   expected: atLeast, atMost or equals',
      '  hint: Without one it could never fail.',
    ],
  },
  {
    title: 'limits that exclude each other',
    replace: 'database: d',
    by: 'database: d, validations: [{ name: n, sql: select 1, atLeast: 2, atMost: 1 }]',
    says: [
      'systems/small.yaml:15:139  stores.main.validations[0].atMost',
      '  found: 1   expected: at least 2, as atLeast says',
    ],
  },
  {
    title: 'a home directory',
    replace: 'stateDirectory: state',
    by: 'stateDirectory: ~/state',
    says: [
      'systems/small.yaml:3:17  stateDirectory',
      '  found: "~/state"   expected: a path without ~',
      '  hint: Nothing expands ~ here: write the directory out.',
    ],
  },
  {
    title: 'a home directory of a secret',
    replace: 'database: d',
    by: 'database: d, password: file:~/password',
    says: [
      'systems/small.yaml:15:89  stores.main.password',
      '  found: "file:~/password"   expected: a path without ~',
      '  hint: Nothing expands ~ here: write the directory out.',
    ],
  },
];
