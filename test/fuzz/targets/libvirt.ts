import { readFileSync } from 'node:fs'
import { decodeEvent } from '../../../shared/libvirt/events.ts'
import { createFramer } from '../../../shared/libvirt/framer.ts'
import { decodeError, ERROR, MESSAGE, unpackMessage } from '../../../shared/libvirt/message.ts'
import { PROCEDURES } from '../../../shared/libvirt/procedures.ts'
import { type Codec, decode } from '../../../shared/libvirt/xdr.ts'
import type { Target } from '../engine.ts'

const vectors = JSON.parse(readFileSync(new URL('../../unit/libvirt/vectors.json', import.meta.url), 'utf8')) as {
  readonly hex: string
}[]

/** What libvirtd sends, as bytes of its stream. */
export const libvirt: Target = {
  name: 'libvirt',
  seeds: vectors.map(({ hex }) => Buffer.from(hex, 'hex')).filter(message => message.length < 4096),
  refuses: ['LIBVIRT_PROTOCOL'],
  run: input => {
    const framer = createFramer()
    const middle = input.length >> 1
    for (const chunk of [input.subarray(0, middle), input.subarray(middle)])
      for (const message of framer.push(chunk)) {
        const { header, body } = unpackMessage(message)
        if (header.type === MESSAGE) decodeEvent(header.program, header.procedure, body)
        else if (header.status === ERROR) decodeError(body)
        else
          for (const { program, number, result } of Object.values(PROCEDURES))
            if (program === header.program && number === header.procedure) decode(result as Codec<unknown>, body)
      }
  },
}
