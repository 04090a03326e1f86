/** An ordinary NestJS application. All that it knows of the system is the contract of the service it calls. */
import 'reflect-metadata'
import { createClient } from '@keelson/services'
import { Body, Controller, Get, Module, NotFoundException, Param, Post } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiProperty,
  DocumentBuilder,
  SwaggerModule,
} from '@nestjs/swagger'
import { Greetings } from '../greetings.contract.ts'

class NewGuest {
  @ApiProperty({ minLength: 1 })
  declare name: string
}

class Guest extends NewGuest {
  @ApiProperty()
  declare id: string
}

const greetings = createClient(Greetings, process.env['GREETINGS_URL'] ?? 'http://127.0.0.1:4000')

@Controller('guests')
class GuestsController {
  readonly #guests = new Map<string, Guest>([['1', { id: '1', name: 'Ann' }]])

  @Get(':id')
  @ApiOkResponse({ type: Guest })
  @ApiNotFoundResponse({ description: 'No such guest' })
  one(@Param('id') id: string): Guest {
    const guest = this.#guests.get(id)
    if (!guest) throw new NotFoundException(`There is no guest ${id}`)
    return guest
  }

  @Post()
  @ApiCreatedResponse({ type: Guest })
  add(@Body() { name }: NewGuest): Guest {
    const guest = { id: String(this.#guests.size + 1), name }
    this.#guests.set(guest.id, guest)
    return guest
  }

  @Get(':id/greeting')
  @ApiOkResponse({ type: String })
  async greeting(@Param('id') id: string): Promise<string> {
    const { text } = await greetings.greet({ guest: id })
    return text
  }
}

@Module({ controllers: [GuestsController] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] })
const document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle('Guests').setVersion('1.0').build())
SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json' })
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
console.log(`Guests at ${await app.getUrl()}`)
