#!/bin/sh
# Makes or updates Temporal's two databases. Every command is safe to repeat: `create` accepts a database that is there,
# `setup-schema` keeps a newer version, `update-schema` runs what is missing. Host, user and password: environment.
set -eu
export SQL_PLUGIN=postgres12 SQL_HOST="$POSTGRES_SEEDS" SQL_PORT="$DB_PORT" SQL_USER="$POSTGRES_USER"

for part in temporal:temporal temporal_visibility:visibility; do
  database=${part%%:*}
  schema=/etc/temporal/schema/postgresql/v12/${part##*:}/versioned
  temporal-sql-tool --database "$database" create-database
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-dir "$schema"
done
