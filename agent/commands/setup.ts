import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { parseDaemonConfig } from '../../shared/config/daemon.ts'
import { editConfig } from '../../shared/config/edit.ts'
import { CrossportError } from '../../shared/errors.ts'
import { writeWhole } from '../../shared/identity/files.ts'
import { joinConfigSchema } from '../config/schema.ts'
import { type MachineFacts, propose, type Settings } from './proposal.ts'

const run = promisify(execFile)
/** libvirtd's, which is the default, and virtqemud's. */
const LIBVIRT_SOCKETS = ['/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock']

/**
 * `crossport-agent setup`: asks Open vSwitch and libvirt of this machine, and writes what the configuration lacks. What is in it stays.
 *
 * @returns what there is to tell, line by line
 * @throws SETUP_UNCLEAR, CONFIG_INVALID
 */
export async function setup(file: string, given: Partial<Settings>): Promise<readonly string[]> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const { bridge, uplink } = parseDaemonConfig(joinConfigSchema, text, file)
  const known = { ...(bridge === undefined ? {} : { bridge }), ...(uplink === undefined ? {} : { uplink }), ...given }
  const settings = Object.entries(propose(await factsOfMachine(), known)).filter(([, value]) => value !== undefined)
  const next = editConfig(text, file, document => {
    for (const [key, value] of settings) document.set(key, value)
  })
  if (next !== text) writeWhole(file, next, 0o644)
  const told = settings.map(([key, value]) => `${key}: ${value}`)
  return [
    ...told,
    `${next === text ? 'nothing to change in' : 'written to'} ${file}`,
    'next: systemctl restart crossport-agent',
  ]
}

async function factsOfMachine(): Promise<MachineFacts> {
  const bridges = lines(await vsctl('list-br'))
  const listed = await vsctl('--format=json', '--columns=name,type,external_ids', 'list', 'Interface')
  const interfaces = (JSON.parse(listed) as { data: [string, string, ['map', [string, string][]]][] }).data
  const portsOf = async (bridge: string) =>
    lines(await vsctl('list-ports', bridge)).map(name => {
      const [, type, ids] = interfaces.find(([each]) => each === name) ?? []
      const vm = ids?.[1].some(([key]) => key === 'attached-mac') ?? false
      return { name, internal: type === 'internal' || type === 'patch', vm }
    })
  return {
    bridges: await Promise.all(bridges.map(async name => ({ name, ports: await portsOf(name) }))),
    libvirtSockets: LIBVIRT_SOCKETS.filter(path => existsSync(path)),
  }
}

async function vsctl(...args: string[]): Promise<string> {
  try {
    return (await run('ovs-vsctl', ['--timeout=5', ...args])).stdout
  } catch (cause) {
    throw new CrossportError('SETUP_UNCLEAR', 'Open vSwitch does not answer: is it installed, and does it run?', {
      cause,
    })
  }
}

const lines = (text: string) => text.split('\n').filter(Boolean)
