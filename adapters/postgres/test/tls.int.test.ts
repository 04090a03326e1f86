import { execFile } from 'node:child_process'
import { chmodSync, chownSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectPostgresDatabase } from '../src/index.ts'
import { isSkipped, PostgresServer, user } from './postgres-server.ts'

describe.skipIf(isSkipped)('connectPostgresDatabase() with TLS', () => {
  let server: PostgresServer
  let ca: string
  let plain: PostgresServer
  beforeAll(async () => {
    server = await PostgresServer.start(async (folder) => {
      const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')]
      const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
      const files = ['-keyout', key, '-out', certificate]
      await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject])
      chmodSync(key, 0o600)
      if (user.uid !== undefined) chownSync(key, user.uid, user.gid)
      ca = readFileSync(certificate, 'utf8')
      return ['ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`]
    })
    plain = await PostgresServer.start()
  }, 120_000)
  afterAll(async () => {
    await server?.close()
    await plain?.close()
  }, 60_000)

  it('connects where the certificate is trusted, and nowhere else', async () => {
    const database = await connectPostgresDatabase({ url: server.url, tls: { ca } })
    const { rows } = await database.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    expect(rows).toEqual([{ ssl: true }])
    await database.close()
    const untrusted = connectPostgresDatabase({ url: `${server.url}?sslmode=require` })
    await expect(untrusted).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
    const misnamed = connectPostgresDatabase({ url: server.url, tls: { ca, serverName: 'other.example' } })
    await expect(misnamed).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
    // A server without TLS is not spoken to in the clear.
    const clear = connectPostgresDatabase({ url: plain.url, tls: { ca } })
    await expect(clear).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
  }, 60_000)
})
