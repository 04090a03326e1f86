export { servicesErrors } from './errors.ts'
export type { Authorisation, Authorise } from './facade/call-plan.ts'
export { callAtEdge, subscribeAtEdge } from './facade/edge.ts'
export type { OperationPolicyReport } from './facade/service-host.ts'
export type { AnswerHeaders, AnswerStream, Arrival } from './listener/arrival.ts'
export { answerEvents, answerEventsHead } from './listener/event-stream.ts'
export { answerJson, answerText, type Exchange, readJson } from './listener/exchange.ts'
export type { TrustedProxy } from './listener/foreign-requests.ts'
export {
  type Asked,
  type Exposure,
  Listener,
  type ListenerOptions,
  type OpenListener,
  openListener,
} from './listener/listener.ts'
export { errorOfProblem, namedError, type Problem, problemOf, statusOf } from './listener/problem.ts'
export type { RegisteredAdapter } from './registry/adapter-host.ts'
export type { GraphArrow, GraphNode, SystemGraph } from './registry/graph.ts'
export type { Factory, FactoryPlatform, LifecycleHooks } from './registry/plain-object.ts'
export { type RegisteredService, Registry, type RegistryOptions } from './registry/registry.ts'
export { type ClientOptions, createClient } from './rest/clients/client.ts'
export { type RemoteOptions, remoteOverHttp } from './rest/clients/remote-over-http.ts'
export { createRpcClient, type RpcClient, type RpcClientOptions } from './rest/clients/rpc-client.ts'
export { http, readHttp } from './rest/http.ts'
export type { HttpMethod, HttpRoute } from './rest/http-route.ts'
export { type OpenApiInfo, openApiOf } from './rest/openapi/openapi.ts'
export { type ImportedContract, importOpenApi } from './rest/openapi/openapi-import.ts'
export {
  type ConfigChanged,
  defineService,
  type Service,
  type ServiceLifecycle,
  type ServicePlatform,
} from './service/service.ts'
export { serviceNames } from './service/service-names.ts'
export { type Bundle, type BundleOptions, createBundle } from './system/bundle.ts'
export { type RunFile, readRunFile } from './system/run-file.ts'
export { type RunningSystem, type StartOptions, startSystem } from './system/start-system.ts'
export {
  defineSystem,
  type EnvironmentValues,
  type SectionValues,
  type Served,
  type StartCommand,
  type StartOption,
  type System,
} from './system/system.ts'
export {
  type ConfigHooks,
  type ConfigOrigins,
  loadDataFolder,
  loadSystemConfig,
  type SystemConfiguration,
} from './system/system-config.ts'
export { systemGraph } from './system/system-graph.ts'
export { readSystemKey } from './system/system-key.ts'
export { loadSystemPolicies } from './system/system-policies.ts'
export type { SystemHealth } from './system/system-routes.ts'
