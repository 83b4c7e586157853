#!/usr/bin/env bash
# The shop started as a script does it: one service after the other in the order of their dependencies, each waited for.
# $ROOT: the shop's directory; $*_PORT: where each listens; $AS_POSTGRES: how to become PostgreSQL's account, if we are root.
set -euo pipefail
cd "$ROOT"

launch() { # log command...
  local log=$1
  shift
  setsid "$@" >>"logs/$log.log" 2>&1 </dev/null &
}
wait_for() { # command...
  local tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "not healthy: $*" >&2; exit 1; }
    sleep 0.1
  done
}
healthy() { curl --silent --fail --max-time 5 "http://127.0.0.1:$1/health"; }
database() { pg_isready -q -h 127.0.0.1 -p "$DB_PORT" && psql -X -w -q -At -c 'SELECT 1'; }
cache() { [ "$(redis-cli -h 127.0.0.1 -p "$REDIS_PORT" PING)" = PONG ]; }

# shellcheck disable=SC2086 -- several words on purpose
launch postgres $AS_POSTGRES "$ROOT/bin/postgres" -D "$ROOT/postgres/data"
wait_for database
launch redis "$ROOT/bin/redis-server" "$ROOT/redis/redis.conf"
wait_for cache

export POSTGRES_PORT=$DB_PORT POSTGRES_DATABASE=shop POSTGRES_USER=shop POSTGRES_PASSWORD_FILE=keys/shop.password
export REDIS_PORT API_PORT
PROGRAM=api PORT=$API_PORT launch api "$ROOT/bin/node" "$ROOT/programs/api.ts"
wait_for healthy "$API_PORT"
PROGRAM=search PORT=$SEARCH_PORT launch search "$ROOT/bin/node" "$ROOT/programs/search.ts"
wait_for healthy "$SEARCH_PORT"
PROGRAM=reports PORT=$REPORTS_PORT launch reports "$ROOT/bin/node" "$ROOT/programs/reports.ts"
wait_for healthy "$REPORTS_PORT"
PROGRAM=web PORT=$WEB_PORT launch web "$ROOT/bin/node" "$ROOT/programs/web.ts"
wait_for healthy "$WEB_PORT"
