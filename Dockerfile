# One image for every role: `docker run … botbase api`, `worker`, `migrate`, or `all`, which is the default.
# scripts/replay-dockerfile.sh replays these steps on a Debian machine without a container engine.

# Node 20 has had no security fixes since April 2026; 22 has them until April 2027. Debian's slim image and not Alpine:
# it is the system that the tests run on.
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY server/package.json server/

FROM manifests AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json ./
COPY server/tsconfig.json server/tsconfig.build.json server/
COPY server/src server/src
RUN npm run build

# No install script runs: bcrypt brings its binaries along. What only compilers and debuggers read is left out.
FROM manifests AS dependencies
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Botbase" \
  org.opencontainers.image.description="Self-hostable RAG chatbot backend" \
  org.opencontainers.image.licenses="MIT"
# A number of our own, so that the files of a volume belong to the same user on every machine.
RUN groupadd --gid 10001 botbase \
  && useradd --uid 10001 --gid botbase --no-create-home --home-dir /data --shell /usr/sbin/nologin botbase \
  && install -d -o botbase -g botbase -m 0700 /data
WORKDIR /app/server
COPY --from=dependencies /app/node_modules /app/node_modules
COPY server/package.json ./
COPY server/migrations ./migrations
COPY --from=build /app/server/dist ./dist
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
VOLUME /data
EXPOSE 3000
# As a number, so that an orchestrator sees that it is not root.
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["all"]
