import { defineConfig } from 'tsup'

const shared = { format: 'esm', target: 'node20', dts: true, sourcemap: true, treeshake: true } as const

export default defineConfig([
  {
    ...shared,
    name: 'library',
    entry: {
      index: 'src/index.ts',
      memory: 'src/stores/memory.ts',
      postgres: 'src/stores/postgres.ts',
      mysql: 'src/stores/mysql.ts',
      sqlite: 'src/stores/sqlite.ts',
      drizzle: 'src/stores/drizzle.ts',
      kysely: 'src/stores/kysely.ts',
      knex: 'src/stores/knex.ts',
      prisma: 'src/stores/prisma.ts',
      guard: 'src/guard.ts',
      http: 'src/http/index.ts',
      node: 'src/http/mounts/node.ts',
      express: 'src/http/mounts/express.ts',
      fastify: 'src/http/mounts/fastify.ts',
      hono: 'src/http/mounts/hono.ts',
      nest: 'src/http/mounts/nest.ts',
      next: 'src/http/mounts/next.ts',
      koa: 'src/http/mounts/koa.ts',
      testing: 'src/testing/index.ts',
      cli: 'src/cli/main.ts',
    },
    splitting: true,
  },
  // The receivers' entry is built alone, so that it shares no chunk with the library and imports nothing.
  {
    ...shared,
    name: 'verify',
    entry: { verify: 'src/signing/index.ts' },
    splitting: false,
    target: 'es2022',
  },
])
