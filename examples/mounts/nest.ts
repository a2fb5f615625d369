/** NestJS: the management API at `/webhooks`, a receiver in a controller. Nest keeps raw bodies with `rawBody: true`. */
import 'reflect-metadata'
import { Controller, HttpCode, Module, Post, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { toNest, verifyWebhook } from '../../src/http/mounts/nest.ts'
import type { NodeRequest } from '../../src/http/mounts/node.ts'
import type { Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

@Controller('in')
class Receiver {
  @Post()
  @HttpCode(200)
  async receive(@Req() request: NodeRequest) {
    const { type } = await verifyWebhook(request, { secret })
    return { type }
  }
}

@Module({ controllers: [Receiver] })
class App {}

export async function serve(): Promise<Running> {
  const app = await NestFactory.create(App, { rawBody: true, logger: false })
  app.use('/webhooks', toNest(api()))
  await app.listen(0, '127.0.0.1')
  return { url: await app.getUrl(), close: () => app.close() }
}
