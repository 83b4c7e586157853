/** Real damage to a test's own PostgreSQL cluster. */
export { damageHeapPage, damageIndexPage, silentIndexDamage } from '../../tools/damage.ts';
