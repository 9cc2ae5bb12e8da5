import type { CommandConfig } from '../config.ts'
import { initPki } from '../pki/init.ts'

/** `crossport-director init`. Returns what there is to tell. Throws PKI_MISSING. */
export async function init({ id, pki, certificateLifetime }: CommandConfig): Promise<readonly string[]> {
  const files = await initPki(pki, id, certificateLifetime)
  const told = files.map(
    ({ file, what, made }) => `${made ? 'made' : 'is there already, and stays as it is'}: ${file} (${what})`,
  )
  if (files.some(({ made }) => made))
    return [...told, 'next: systemctl restart crossport-director, and `crossport-director token` for each host']
  return [...told, 'nothing has been changed']
}
