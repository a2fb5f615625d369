/** The program of the scenarios that need a process of their own making: runs the part that it is told to. */
const parts: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
  api: async () => (await import('./api.ts')).runApi,
  announcer: async () => (await import('./announcer.ts')).runAnnouncer,
  'crash-worker': async () => (await import('./crash-worker.ts')).runCrashWorker,
  endpoints: async () => (await import('./endpoints.ts')).runEndpoints,
  'disk-full': async () => (await import('./disk-full.ts')).runDiskFull,
  'due-times': async () => (await import('./due-times.ts')).runDueTimes,
  emitter: async () => (await import('./emitter.ts')).runEmitter,
  evil: async () => (await import('./evil.ts')).runEvil,
  migrator: async () => (await import('./migrator.ts')).runMigrator,
  origins: async () => (await import('./origins.ts')).runOrigins,
  poisoned: async () => (await import('./poisoned.ts')).runPoisoned,
  restless: async () => (await import('./restless.ts')).runRestless,
  sender: async () => (await import('./sender.ts')).runSender,
  upsetter: async () => (await import('./upsetter.ts')).runUpsetter,
}

const name = process.argv[2] ?? ''
const load = parts[name]
if (load === undefined) throw new Error(`The probe has no part "${name}".`)
await (await load())()
