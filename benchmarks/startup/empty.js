// An empty Node process, for the memory that everything else stands on.
process.send({ readyMs: performance.now(), rssBytes: process.memoryUsage.rss(), url: '' })
process.on('message', () => process.exit(0))
