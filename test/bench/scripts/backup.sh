#!/usr/bin/env bash
# The backup as a script: PostgreSQL's custom format, zstd in two threads, streamed to an S3 server. No temporary file.
# PG* variables say which database; RCLONE_CONFIG_S3_* where the server is. $1: bucket/key.
set -euo pipefail
pg_dump --format=custom --compress=0 |
  zstd -3 -T2 --no-progress --stdout |
  rclone rcat --config /dev/null --s3-no-check-bucket --s3-chunk-size 8M --s3-upload-concurrency 4 "s3:$1"
