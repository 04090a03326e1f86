import { describe, expect, it } from 'vitest'
import { isSecretName, withoutCredentials } from '../src/redaction.ts'

describe('isSecretName()', () => {
  it.each([
    'password',
    'DB_PASSWORD',
    'accessToken',
    'id-token',
    'Authorization',
    'Proxy-Authorization',
    'cookies',
    'api_key',
    'secretAccessKey',
  ])('knows %s', (key) => expect(isSecretName(key, 'x')).toBe(true))

  it.each(['tokenizer', 'tokenCount', 'passwordLength', 'key', 'secretary', 'author', 'cookiePolicy'])(
    'lets %s pass',
    (key) => expect(isSecretName(key, 'x')).toBe(false),
  )

  it('lets numbers of tokens pass', () => {
    expect([isSecretName('maxTokens', 5), isSecretName('tokens', 5), isSecretName('token', 5)]).toEqual([
      false,
      false,
      true,
    ])
  })
})

describe('withoutCredentials()', () => {
  it.each([
    ['postgres://ann:s3cr3t@db:5432/x', 'postgres://ann:[redacted]@db:5432/x'],
    ['redis://:s3c@r3t@cache', 'redis://:[redacted]@cache'],
    ['see http://a/b?page=2&token=s3cr3t&x=1#c', 'see http://a/b?page=2&token=[redacted]&x=1#c'],
    ['GET /a?X-Amz-Signature=s3cr3t&key=s3cr3t', 'GET /a?X-Amz-Signature=[redacted]&key=[redacted]'],
    ['host=db port=1 password=s3cr3t dbname=x', 'host=db port=1 password=[redacted] dbname=x'],
    ["host=db password = 's3 cr3t' dbname=x", 'host=db password = [redacted] dbname=x'],
    ['{"user":"ann","apiKey":"s3cr3t"}', '{"user":"ann","apiKey":[redacted]}'],
    ['OPENAI_API_KEY=s3cr3t-x node', 'OPENAI_API_KEY=[redacted] node'],
    ['authorization: Bearer s3cr3t.abc-def==', 'authorization: Bearer [redacted]'],
    ['sent Basic czNjcjN0OmFiYw==', 'sent Basic [redacted]'],
  ])('takes them out of %s', (text, expected) => {
    expect(withoutCredentials(text)).toBe(expected)
    expect(withoutCredentials(expected)).toBe(expected)
  })

  it.each([
    'Cannot use the configuration: mailer.apiKey: Too small',
    'the token expired, a new password is needed',
    'http://127.0.0.1:4000/v1/notes?page=2&sort=key',
    'mail ann@example.com: basic things',
    'a key=value pair',
  ])('leaves %s alone', (text) => expect(withoutCredentials(text)).toBe(text))
})
