/** What is used of the peer: it is installed only when the benchmark is run, and the check must not depend on that. */
declare module '@dbos-inc/dbos-sdk' {
  interface Handle<T> {
    getResult(): Promise<T>
  }
  type Workflow<Input, Output> = (input: Input) => Promise<Output>
  export const DBOS: {
    setConfig(config: {
      name: string
      systemDatabaseUrl: string
      systemDatabasePoolSize: number
      runAdminServer: boolean
      logLevel: string
    }): void
    launch(): Promise<void>
    shutdown(): Promise<void>
    registerWorkflow<Input, Output>(work: Workflow<Input, Output>, options: { name: string }): Workflow<Input, Output>
    startWorkflow<Input, Output>(
      work: Workflow<Input, Output>,
      options: { workflowID: string },
    ): (input: Input) => Promise<Handle<Output>>
    runStep<T>(work: () => Promise<T>, options: { name: string }): Promise<T>
    sleepms(milliseconds: number): Promise<void>
  }
}
