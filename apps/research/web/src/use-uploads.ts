/** Files on their way to the server: one after the other, each with its own outcome. */
import { useEffect, useEffectEvent, useState } from 'react'
import { type Document, type RequestFailed, uploadDocument } from './api.ts'
import { asFailure } from './use-answer.ts'

export interface Upload {
  readonly key: number
  readonly name: string
  /** Neither of them while it is on its way. */
  readonly document?: Document
  readonly failure?: RequestFailed
}

export interface Uploads {
  readonly list: readonly Upload[]
  /** True while files are held over the page. */
  readonly dropping: boolean
  add(files: Iterable<File>): void
  clear(): void
}

export function useUploads(onAdded: () => void): Uploads {
  const [list, setList] = useState<readonly Upload[]>([])
  const add = async (files: readonly File[]) => {
    const first = list.length
    setList((known) => [...known, ...files.map((file, index) => ({ key: first + index, name: file.name }))])
    for (const [index, file] of files.entries()) {
      const outcome = await uploadDocument(file).then(
        (document) => ({ document }),
        (error: unknown) => ({ failure: asFailure(error) }),
      )
      setList((known) => known.map((upload) => (upload.key === first + index ? { ...upload, ...outcome } : upload)))
      onAdded()
    }
  }
  const dropping = useDrop((files) => void add(files))
  return { list, dropping, add: (files) => void add([...files]), clear: () => setList([]) }
}

function useDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [dropping, setDropping] = useState(false)
  const dropped = useEffectEvent(onFiles)
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setDropping(true)
    }
    // Leaving an element for one inside it is reported too; leaving the window has no element it leads to.
    const leave = (event: DragEvent) => event.relatedTarget === null && setDropping(false)
    const drop = (event: DragEvent) => {
      event.preventDefault()
      setDropping(false)
      if (event.dataTransfer?.files.length) dropped([...event.dataTransfer.files])
    }
    window.addEventListener('dragover', over)
    window.addEventListener('dragleave', leave)
    window.addEventListener('drop', drop)
    return () => {
      window.removeEventListener('dragover', over)
      window.removeEventListener('dragleave', leave)
      window.removeEventListener('drop', drop)
    }
  }, [])
  return dropping
}
