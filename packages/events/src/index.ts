export { type AdministerOptions, administerEvents } from './administration/administer-events.ts'
export { EventsAdministration } from './administration/events-contract.ts'
export {
  type ImportedStream,
  type ImportOptions,
  type ImportProgress,
  importRows,
  type RowImport,
} from './administration/import-rows.ts'
export {
  type Aggregate,
  defineAggregate,
  type Loaded,
  type LoadOptions,
  loadAggregate,
  type SnapshotPolicy,
} from './aggregates/aggregate.ts'
export { type CommandAnswer, type CommandHandling, handleCommand } from './aggregates/command-handler.ts'
export type { CommandDescription } from './aggregates/command-identity.ts'
export { type Decide, type Executed, type ExecuteOptions, execute } from './aggregates/execute.ts'
export { eventsErrors } from './errors.ts'
export {
  defineEvents,
  type EventIn,
  type EventOf,
  type EventType,
  type EventTypes,
  event,
  type NewEventIn,
  type NewEventOf,
  type Upcasts,
} from './event-types.ts'
export { type InvalidateByEventsOptions, invalidateByEvents } from './invalidate-by-events.ts'
export { requireName, requirePosition, requirePublication } from './messages/check-names.ts'
export {
  type ConsumeOptions,
  type Consumer,
  type ConsumerHooks,
  consume,
  type HandleGiven,
  replayDeadLetters,
} from './messages/consume.ts'
export {
  type ConsumeIntoHooks,
  type ConsumeIntoOptions,
  consumeInto,
  type IntoConsumer,
  type Replayed,
} from './messages/consume-into.ts'
export { createInMemoryMessageStreams, type InMemoryMessageStreams } from './messages/in-memory-message-streams.ts'
export {
  comparePositions,
  eventIn,
  type Message,
  messageIdOf,
  type NewMessage,
  parseMessageId,
} from './messages/message.ts'
export {
  type Claimed,
  type ClaimOptions,
  type DeadLetter,
  type DeadLettersOptions,
  type Death,
  type Delivery,
  type GroupState,
  type Holder,
  type Keep,
  MessageStreams,
  type Publication,
  type Published,
  type TakeOptions,
  type Trimmed,
} from './messages/message-streams.ts'
export { type Outbox, type OutboxHooks, type OutboxOptions, type Route, startOutbox } from './messages/outbox.ts'
export {
  type InlineProjections,
  type InlineProjectionsOptions,
  openInlineProjections,
} from './projections/inline-projections.ts'
export {
  type Change,
  defineProjection,
  type Projection,
  type ProjectionDefinition,
  type TableName,
} from './projections/projection.ts'
export type { GenerationState, ParkedRow } from './projections/projection-tables.ts'
export {
  type ProjectionFailure,
  type ProjectionStatus,
  type Projections,
  type ProjectionsOptions,
  startProjections,
} from './projections/projections.ts'
export type { EventMetadata, NewEvent, RecordedEvent } from './store/event.ts'
export { type EventLogs, openEventLogs } from './store/event-logs.ts'
export {
  type AppendAllOptions,
  type AppendCondition,
  type Appended,
  type AppendOptions,
  type EraseOptions,
  type EventPlace,
  EventStore,
  type ExpectedVersion,
  type FeedPage,
  type FeedPosition,
  feedStart,
  type ReadFeedOptions,
  type ReadStreamOptions,
  type Snapshot,
  type SnapshotShape,
  type StreamAppend,
  type StreamInfo,
  type StreamSlice,
  type StreamState,
  type StreamsOptions,
} from './store/event-store.ts'
export { type FollowOptions, type FollowStreamOptions, follow, followStream } from './store/follow.ts'
export { createInMemoryEventStore, type InMemoryEventStoreOptions } from './store/in-memory-event-store.ts'
export type { PersonalDataOptions, PersonalFields, PersonalRule } from './store/personal-data.ts'
export { openSeal, type Seal, type SignedSeal, signSeal } from './store/seals.ts'
export { openEventStore, type SqlEventStore, type SqlEventStoreOptions } from './store/sql-event-store.ts'
export type { Verification, VerifyOptions } from './store/verify.ts'
export type { ForkOptions } from './workflows/fork-instance.ts'
export type { InstanceFilter, WorkflowInstance } from './workflows/instance-list.ts'
export {
  type Begin,
  defineWorkflow,
  onEvents,
  type StartedBy,
  type StepCall,
  type StepOptions,
  type Workflow,
  type WorkflowContext,
  type WorkflowDefinition,
} from './workflows/workflow.ts'
export {
  type CheckedHistory,
  checkHistories,
  type HistoriesOptions,
  type WorkflowHistory,
} from './workflows/workflow-check.ts'
export type { ParkedStart } from './workflows/workflow-starts.ts'
export type { WorkflowStatus } from './workflows/workflow-tables.ts'
export { startWorkflows, type Workflows, type WorkflowsOptions } from './workflows/workflows.ts'
