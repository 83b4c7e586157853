#!/usr/bin/env bash
# The backup as most scripts take it: pg_dump's own compression, to a local file. PG* say which database; $1: the file.
set -euo pipefail
pg_dump --format=custom --file="$1"
