import { join } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import * as protoLoader from '@grpc/proto-loader'
import { INSTALLATION } from '../installation.ts'
import type { ProtoGrpcType as ControlTypes } from './gen/control.ts'
import type { ProtoGrpcType as IdentityTypes } from './gen/identity.ts'
import type { ProtoGrpcType as RegistrationTypes } from './gen/registration.ts'

export interface Proto {
  readonly definition: protoLoader.PackageDefinition
  readonly registration: RegistrationTypes['crossport']['v1']['Registration']
  readonly control: ControlTypes['crossport']['v1']['Control']
  readonly joining: IdentityTypes['crossport']['v1']['Joining']
  readonly renewal: IdentityTypes['crossport']['v1']['Renewal']
}

let known: Proto | undefined

/** Reads proto/ at run time, once. The options are those that scripts/gen-proto gives to the type generator. */
export function loadProto(): Proto {
  return (known ??= readProto())
}

function readProto(): Proto {
  const files = ['registration', 'control', 'identity'].map(name => `crossport/v1/${name}.proto`)
  const definition = protoLoader.loadSync(files, {
    includeDirs: [join(INSTALLATION, 'proto')],
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  })
  type Types = RegistrationTypes & ControlTypes & IdentityTypes
  const v1 = (grpc.loadPackageDefinition(definition) as unknown as Types).crossport.v1
  return { definition, registration: v1.Registration, control: v1.Control, joining: v1.Joining, renewal: v1.Renewal }
}
