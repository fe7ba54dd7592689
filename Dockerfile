# Holdfast as a container image: Node 24 on Debian, not root, fit for a read-only root file system.
#
#   docker build -t holdfast .                          the proxy; bring the PKCS#11 module of your HSM
#   docker build -t holdfast-softhsm --target softhsm . with SoftHSM, for trying out (docker-compose.yml)
#   docker build -t holdfast-fleet --target fleet .     with PostgreSQL and HAProxy too (docker-compose.fleet.yml)
#   docker build -t holdfast-simulator --target simulator . an AWS to try it with (docker-compose.aws.yml)
#
# BASE is any Debian-like image with Node >= 24 and its headers under /usr/local, npm included. By its digest, which names the
# very bytes: what a tag names is somebody else's to change. How it is moved on: docs/containers.md, "The base image".
ARG BASE=docker.io/library/node:24.21.0-bookworm-slim@sha256:2fe369e969550cde8e867afc3fe370b260140cab4a23d467074295b42163d553

# --- build: the only stage with a compiler; pkcs11js is a Node-API addon -------------------------------------------
FROM ${BASE} AS build
RUN export DEBIAN_FRONTEND=noninteractive \
  && apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/holdfast
COPY package.json package-lock.json .npmrc ./
# The headers that came with Node: without this node-gyp would download them.
ENV npm_config_nodedir=/usr/local
# Only the one addon that is built here may run a script, as in scripts/set-up.
RUN npm ci --omit=dev --ignore-scripts && npm rebuild pkcs11js --foreground-scripts

# --- console: its builder and what it is made of stay behind ---------------------------------------------------------
FROM build AS console
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY web web
COPY docs docs
COPY scripts/build-web.ts scripts/publish-web.ts scripts/
COPY src/cli/client/api-types.ts src/cli/client/
COPY src/cloudtrail src/cloudtrail
RUN node --disable-warning=ExperimentalWarning scripts/build-web.ts

# --- runtime: what both images have --------------------------------------------------------------------------------
FROM ${BASE} AS runtime
RUN groupadd --system --gid 10001 holdfast \
  && useradd --system --uid 10001 --gid holdfast --no-create-home --home-dir /var/lib/holdfast \
  --shell /usr/sbin/nologin holdfast \
  && install -d -m 0700 -o holdfast -g holdfast /var/lib/holdfast \
  && install -d -m 0755 /etc/holdfast /opt/holdfast \
  && ln -s /opt/holdfast/bin/holdfast /usr/local/bin/holdfast
# Who may run Node but not read it has processes whose memory is root's alone to see (docs/security.md).
RUN chmod 0711 "$(readlink -f "$(command -v node)")"
WORKDIR /opt/holdfast
COPY --from=build /opt/holdfast/node_modules node_modules
COPY package.json LICENSE* ./
COPY bin/holdfast bin/holdfast
COPY native-config native-config
COPY src src
COPY scripts/health-check.ts scripts/strip-types.js scripts/
COPY --from=console /opt/holdfast/build/web build/web
# --build-arg COMMIT="$(git describe --always --exclude='*' --abbrev=12 --dirty=-changed)", for holdfast --version.
ARG COMMIT=unknown
RUN node --disable-warning=ExperimentalWarning scripts/strip-types.js && printf '%s\n' "$COMMIT" > build/commit
ENV NODE_ENV=production
USER 10001:10001
# The store, sign-ins of the command line and, in the image for trying out, the token. Nothing else is written. Where
# [admin] is to be reached from outside the container it needs address = "0.0.0.0" (docs/containers.md).
VOLUME /var/lib/holdfast
ENTRYPOINT ["/opt/holdfast/bin/holdfast"]
CMD ["serve"]
# Docker's own image format keeps it, the OCI format does not (buildah: --format docker).
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "--disable-sigusr1", "--import", "/opt/holdfast/src/stripped-types.js", "/opt/holdfast/scripts/health-check.ts"]

# --- softhsm: with a soft token, for trying out --------------------------------------------------------------------
FROM runtime AS softhsm
USER root
RUN export DEBIAN_FRONTEND=noninteractive \
  && apt-get update \
  && apt-get install -y --no-install-recommends softhsm2 openssl \
  && rm -rf /var/lib/apt/lists/*
COPY softhsm/set-up softhsm/softhsm2.conf softhsm/
ENV SOFTHSM2_CONF=/opt/holdfast/softhsm/softhsm2.conf
USER 10001:10001

# --- fleet: with a database server and a load balancer as well, for trying out several nodes ---------------------------
FROM softhsm AS fleet
USER root
RUN export DEBIAN_FRONTEND=noninteractive \
  && apt-get update \
  && apt-get install -y --no-install-recommends postgresql haproxy \
  && rm -rf /var/lib/apt/lists/*
COPY softhsm/fleet/prepare softhsm/fleet/database softhsm/fleet/node softhsm/fleet/haproxy.cfg softhsm/fleet/
USER 10001:10001

# --- simulator: an AWS to develop and test against, docs/simulator.md ------------------------------------------------
FROM runtime AS simulator
USER root
RUN export DEBIAN_FRONTEND=noninteractive \
  && apt-get update \
  && apt-get install -y --no-install-recommends openssl \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -m 0700 -o holdfast -g holdfast /var/lib/holdfast-simulator \
  && install -d -m 0755 -o holdfast -g holdfast /var/lib/holdfast-trust
COPY bin/holdfast-simulator bin/holdfast-simulator
COPY simulator simulator
RUN node --disable-warning=ExperimentalWarning scripts/strip-types.js
USER 10001:10001
VOLUME /var/lib/holdfast-simulator
ENTRYPOINT ["/opt/holdfast/bin/holdfast-simulator"]
CMD ["--address", "0.0.0.0", "--directory", "/var/lib/holdfast-simulator"]
# Whether it listens: every answer needs a signature.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "--disable-sigusr1", "-e", "require('node:net').connect(4568, '127.0.0.1', () => process.exit(0)).on('error', () => process.exit(1))"]

# --- holdfast: the image without a token ---------------------------------------------------------------------------
FROM runtime AS holdfast
