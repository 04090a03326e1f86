/**
 * The names of OpenTelemetry's semantic conventions, version 1.38.0, that Keelson itself writes; checked in a test against the published
 * package. A name that is not here is the application's or begins with `keelson.`.
 */
export const semanticConventions = {
  version: '1.38.0',
  errorType: 'error.type',
  exception: 'exception',
  exceptionType: 'exception.type',
  exceptionMessage: 'exception.message',
  exceptionStacktrace: 'exception.stacktrace',
  serviceName: 'service.name',
  serviceVersion: 'service.version',
  httpRequestMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpResponseStatusCode: 'http.response.status_code',
  urlPath: 'url.path',
  urlScheme: 'url.scheme',
  serverAddress: 'server.address',
  serverPort: 'server.port',
} as const
