// @peculiar/x509 finds its parts by decorators, which need this polyfill before anything of it is loaded.
import 'reflect-metadata'

export * from '@peculiar/x509'
