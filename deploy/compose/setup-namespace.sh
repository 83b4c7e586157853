#!/bin/sh
# Makes the namespace (or sets its retention) and the search attributes that runbooks upsert. Safe to repeat.
set -eu

if temporal operator namespace describe --namespace "$NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update --namespace "$NAMESPACE" --retention "$RETENTION"
else
  temporal operator namespace create --namespace "$NAMESPACE" --retention "$RETENTION"
fi

# The server takes up to ten seconds to know of a new namespace everywhere.
tries=30
until known=$(temporal operator search-attribute list --namespace "$NAMESPACE"); do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || exit 1
  sleep 1
done
for name in RunbookSystem RunbookName RunbookPhase RunbookSeverity RunbookStep; do
  case $known in
    *"$name"*) ;;
    *) temporal operator search-attribute create --namespace "$NAMESPACE" --name "$name" --type Keyword ;;
  esac
done
