import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isError } from '@keelson/kernel'
import { describe, expect, it, test } from 'vitest'
import { clientConfig, shownAddress } from '../src/server-address.ts'

const passwordOf = async (config: ReturnType<typeof clientConfig>): Promise<unknown> =>
  typeof config.password === 'function' ? config.password() : config.password

describe('clientConfig()', () => {
  it('takes a URL apart, and shows nothing but host, port and database', async () => {
    const config = clientConfig({ url: 'postgresql://ad%61:s%40cret@db.local:6432/shop' })
    expect(config).toMatchObject({ host: 'db.local', port: 6432, user: 'ada', database: 'shop', ssl: false })
    expect(await passwordOf(config)).toBe('s@cret')
    expect(shownAddress(config)).toBe('db.local:6432/shop')
    expect(clientConfig({ url: 'postgres:///shop?host=/run/postgresql' })).toMatchObject({ host: '/run/postgresql' })
  })

  test.each([
    'host=127.0.0.1 port=59999 password=s3cret dbname=x',
    'mysql://ada:s3cret@db/shop',
    's3cret',
    '',
    'postgres://ada:s3/cret@db/shop',
    'postgres://ada:12/s3cret@db/shop',
    'postgres://ada:12?s3cret@db/shop',
    'postgres://ada:s3#cret@db/shop',
    'postgres://ada:s3%cret@db/shop',
  ])('refuses %j by name and shows nothing of it', (url) => {
    const attempt = () => clientConfig({ url })
    expect(attempt).toThrow(expect.objectContaining({ code: 'DATABASE_ADDRESS_INVALID' }))
    try {
      attempt()
    } catch (error) {
      expect(isError(error) && JSON.stringify([error.message, error.details, String(error.cause)])).not.toMatch(
        /s3|cret/,
      )
    }
  })

  it('asks a file or a function for the password each time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keelson-password-'))
    const file = join(folder, 'password')
    writeFileSync(file, 'first\n')
    const config = clientConfig({ url: 'postgres://ada:old@db/shop', password: { file } })
    expect(await passwordOf(config)).toBe('first')
    writeFileSync(file, 'second')
    expect(await passwordOf(config)).toBe('second')
    let asked = 0
    const counting = clientConfig({ url: 'postgres://ada@db/shop', password: () => `number ${++asked}` })
    expect([await passwordOf(counting), await passwordOf(counting)]).toEqual(['number 1', 'number 2'])
    rmSync(folder, { recursive: true })
  })

  it('verifies the certificate for every mode that asks for TLS, but where it is told not to', () => {
    const sslOf = (query: string, tls?: { ca?: string }) => clientConfig({ url: `postgres://db/shop${query}`, tls }).ssl
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
      expect(sslOf(`?sslmode=${mode}`)).toEqual({ rejectUnauthorized: true })
    expect(sslOf('?sslmode=no-verify')).toEqual({ rejectUnauthorized: false })
    expect(sslOf('?sslmode=disable')).toBe(false)
    expect(sslOf('?sslmode=disable', { ca: 'PEM' })).toEqual({ rejectUnauthorized: true, ca: 'PEM' })
  })
})
