# docker build --build-arg APP=mobile -t tidegate-mobile .      after: npx nx build mobile
FROM node:24.21.0-slim
ARG APP
RUN test -n "$APP" && mkdir /local && chown node:node /local
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY dist/apps/${APP}/ ./
USER node
# See nodeFlags in tools/start/apps.ts.
CMD ["node", "--max-semi-space-size=8", "main.cjs"]
