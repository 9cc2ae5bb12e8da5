/** Of table Open_vSwitch. */
interface Root {
  readonly other_config: ReadonlyMap<string, string>
}

/** vswitchd lists its flows and forwards nothing (ovs-vswitchd.conf.db(5), other_config:flow-restore-wait). */
export function waitsForFlows(replica: { readonly Open_vSwitch: ReadonlyMap<string, Root> }): boolean {
  return replica.Open_vSwitch.values().some(row => row.other_config.get('flow-restore-wait') === 'true')
}
