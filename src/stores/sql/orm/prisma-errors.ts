/**
 * What the database said, out of the errors of Prisma: it hides the codes by which the store tells what may go well when it is tried
 * again, and puts the call and lines of source before the message. Only for statements of our own: a caller's are left alone.
 */

/** What a driver adapter of Prisma says of an error, as far as it is used. */
interface Told {
  /** Of connections, the adapters tell only this. */
  readonly kind?: unknown
  /** The code of the database: SQLSTATE on Postgres, a number in digits elsewhere. */
  readonly originalCode?: unknown
  readonly originalMessage?: unknown
}

/** Kinds that come without a code, as a driver would say them. */
const KINDS: Readonly<Record<string, string>> = {
  DatabaseNotReachable: 'ECONNREFUSED',
  ConnectionClosed: 'ECONNRESET',
  SocketTimeout: 'ETIMEDOUT',
  TransactionWriteConflict: '40001',
}

/** Runs it; what it is refused for is told as the database's driver would have. */
export async function plainly<T>(running: PromiseLike<T>): Promise<T> {
  try {
    return await running
  } catch (error) {
    throw plain(error)
  }
}

function plain(error: unknown): unknown {
  const told = toldIn(error)
  if (!(error instanceof Error) || told === null) return error
  const { code } = error as Error & { readonly code?: unknown }
  const message = typeof told.originalMessage === 'string' ? told.originalMessage : lastLineOf(error.message)
  const said = typeof told.originalCode === 'string' ? told.originalCode : KINDS[String(told.kind)]
  return Object.assign(new Error(message, { cause: error }), {
    code: said ?? code,
    // MySQL and SQLite number their errors.
    ...(said !== undefined && /^\d{1,4}$/.test(said) ? { errno: Number(said) } : {}),
  })
}

/** Prisma wraps the adapter's error for a statement, and throws it as it is for a commit. Null for an error of anybody else. */
function toldIn(error: unknown): Told | null {
  if (!(error instanceof Error)) return null
  if (error.name === 'DriverAdapterError') return (error.cause ?? {}) as Told
  if (error.name !== 'PrismaClientKnownRequestError') return null
  const { meta } = error as Error & {
    readonly meta?: { readonly driverAdapterError?: { readonly cause?: Told } }
  }
  return meta?.driverAdapterError?.cause ?? {}
}

/** The sentence; before it stand the call and, where the source can be read, some lines of it. */
const lastLineOf = (message: string): string => message.trimEnd().split('\n').at(-1)?.trim() ?? message
