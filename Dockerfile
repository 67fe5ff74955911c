# tollgate: the gate beside an agent, or the keeper of a fleet (docker run IMAGE serve --role keeper).
#
# What runs is made from nothing: Node, the libraries that it is linked with, and the package. The image has no
# shell, no package manager and no npm; for a look inside, use kubectl debug. It needs no capability, runs as
# 65532, and writes nothing to its root file system. The same sources on the same base give the same files, to the byte: so
# there is no compile cache, which would spare a start 50 ms and differ with each build.

ARG NODE_VERSION=24.21.0

# JavaScript from TypeScript, with the development dependencies of the lock file. No package runs a script of its own.
FROM docker.io/library/node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npx --no-install tsc -p tsconfig.json --sourceMap false --declaration false --incremental false \
      --tsBuildInfoFile null

# The production dependencies of the lock file, what they are (SBOM), and of their files only what runs.
FROM docker.io/library/node:${NODE_VERSION}-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# npm names the SBOM's subject by its folder, and adds a number and a time that would make each build another.
# Packages of types alone have nothing that runs, and are not in the SBOM.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && npm sbom --omit=dev --package-lock-only --sbom-format=cyclonedx --sbom-type=application >/tmp/sbom.json \
 && node -e "const sbom = JSON.parse(fs.readFileSync('/tmp/sbom.json', 'utf8')); \
      delete sbom.serialNumber; delete sbom.metadata.timestamp; sbom.metadata.component.name = 'tollgate'; \
      fs.writeFileSync('sbom.cdx.json', JSON.stringify(sbom, null, 2))" \
 && rm -r node_modules/.bin node_modules/@types node_modules/undici-types package-lock.json \
 && find node_modules -depth -type d \( -name test -o -name tests -o -name __tests__ -o -name .github \
      -o -name benchmark -o -name benchmarks -o -name example -o -name examples \) -exec rm -r {} \; \
 && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \
      -o -name '*.tsbuildinfo' -o -name '.*' -o -iname 'readme*' -o -iname 'changelog*' \) -delete \
 && find node_modules -type d -empty -delete

FROM docker.io/library/node:${NODE_VERSION}-bookworm-slim AS files
# The root file system: Node with its libraries, their licences, and what tells a scanner which versions they are.
RUN set -eu; mkdir -p /root-files/etc /root-files/var/lib/dpkg/status.d; \
    libraries=$(ldd /usr/local/bin/node | grep -o '/[^ ]*'); \
    cp --parents --dereference /usr/local/bin/node /etc/os-release $libraries /root-files; \
    cp --parents /usr/local/LICENSE /usr/share/doc/libc6/copyright /usr/share/doc/gcc-*-base/copyright /root-files; \
    for package in $(for file in $libraries; do dpkg-query --search "*$file"; done | cut -d: -f1 | sort -u); do \
      dpkg-query --status "$package" >"/root-files/var/lib/dpkg/status.d/$package"; \
    done; \
    echo 'tollgate:x:65532:65532::/app:/sbin/nologin' >/root-files/etc/passwd; \
    echo 'tollgate:x:65532:' >/root-files/etc/group; \
    echo 'hosts: files dns' >/root-files/etc/nsswitch.conf
# The package as it is installed.
WORKDIR /app
COPY package.json LICENSE ./
COPY lua lua
COPY proto proto
COPY src/policy/starter.yaml src/policy/policy.schema.json src/policy/
COPY src/wire/site src/wire/site
COPY --from=dependencies /app ./
COPY --from=build /app/dist dist
RUN chown -R 0:0 /app && chmod -R u=rwX,go=rX /app

FROM scratch
ARG NODE_VERSION
# The version of package.json.
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="tollgate" \
      org.opencontainers.image.description="The spend and rate-limit sidecar for AI agents" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="https://github.com/tollgate-dev/tollgate" \
      org.opencontainers.image.base.name="docker.io/library/node:${NODE_VERSION}-bookworm-slim"
COPY --from=files /root-files /
COPY --from=files /app /app
WORKDIR /app
ENV PATH=/usr/local/bin NODE_ENV=production
USER 65532:65532
EXPOSE 7400 7401 7402
STOPSIGNAL SIGTERM
# Docker asks the ops port by this; Kubernetes asks it itself, by httpGet.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "dist/src/main.js", "health"]
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["serve"]
