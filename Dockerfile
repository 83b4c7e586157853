# The worker and the `runbook` command in one image.
#
#   docker build -t durable-runbooks .
#
# Debian 13 (trixie): its postgresql-client is version 17, which dumps servers up to 17. For newer servers give
# --build-arg POSTGRES_CLIENT=... with a package that the base image's sources have.
FROM node:24.21.0-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24.21.0-trixie-slim
ARG POSTGRES_CLIENT=postgresql-client
RUN apt-get update \
 && apt-get install --yes --no-install-recommends age ca-certificates "$POSTGRES_CLIENT" redis-tools tini zstd \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY src src
# Built here once, so that a worker starts without it and on a read-only file system.
RUN node src/temporal/bundle.ts
ENV NODE_ENV=production PATH=/app/bin:$PATH
RUN ln -s runbook.js bin/runbook
USER node
# tini hands signals on and reaps the processes that steps leave behind.
ENTRYPOINT ["/usr/bin/tini", "--", "node", "/app/bin/runbook.js"]
CMD ["worker", "--systems", "/systems", "--metrics", "0.0.0.0:9464"]
