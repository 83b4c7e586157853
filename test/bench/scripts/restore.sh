#!/usr/bin/env bash
# The restore as a script: from a local, uncompressed file into a fresh database, two tables at a time.
# PG* variables say which server; $1: the new database, $2: the file.
set -euo pipefail
createdb --template=template0 "$1"
pg_restore --jobs=2 --exit-on-error --dbname="$1" "$2"
