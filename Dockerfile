# Sources and production dependencies, nothing else: there is no build.
FROM node:24-alpine
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
# A peer that is optional, the compiler, would be taken along.
RUN npm ci --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund
COPY src ./src
COPY static ./static
USER node
# Inside of a container the loopback address would be reached by nobody.
ENV HOST=0.0.0.0
EXPOSE 8002
HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 8002}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Not through npm, so that signals reach it.
CMD ["node", "src/node.ts"]
