import { serveStatic } from 'hono/serve-static'

/** What is needed of the file system, and of `node:fs/promises` on every runtime that has one. */
export interface FileSystem {
  realpath(path: string): Promise<string>
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>
}

/**
 * The static handler for a folder: nothing outside of it is ever read, not even by a link that leads there.
 * @throws when there is no such folder
 */
export const filesIn = async (fs: FileSystem, folder: string) => {
  const root = await fs.realpath(folder)
  return serveStatic({
    root,
    getContent: async (path) => {
      try {
        const file = await fs.realpath(path)
        const isInside = file.startsWith(root) && /^[\\/]/.test(file.slice(root.length))
        return isInside ? await fs.readFile(file) : null
      } catch (error) {
        // No such file, for one reason or another: that is a 404, not a failure.
        const code = error instanceof Error && 'code' in error ? String(error.code) : ''
        if (/^(ENOENT|ENOTDIR|EISDIR|ENAMETOOLONG|ELOOP)$/.test(code)) return null
        throw error
      }
    },
  })
}
