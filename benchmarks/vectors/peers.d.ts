/** What is used of the peers: they are installed only when the benchmark is run, and the check must not depend on that. */
declare module 'hnswlib-node' {
  interface HierarchicalNSW {
    initIndex(options: { maxElements: number; m: number; efConstruction: number; randomSeed: number }): void
    addPoint(point: readonly number[], label: number): void
    setEf(effort: number): void
    searchKnn(query: readonly number[], count: number): { readonly neighbors: readonly number[] }
  }
  const hnswlib: {
    readonly HierarchicalNSW: new (space: 'ip', dimension: number) => HierarchicalNSW
  }
  export default hnswlib
}
