import { findPackageJSON } from 'node:module'
import { dirname } from 'node:path'

/**
 * The folder that has package.json and proto/: the checkout, or where the Debian packages have installed crossport. Their programs
 * are single files, where a path relative to a source file would not hold.
 */
export const INSTALLATION = dirname(findPackageJSON(import.meta.url)!)
